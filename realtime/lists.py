"""Queues between processes: lists in the store that forget what nobody takes.

For questions to one process and their answers (streams' media processes); news for
many goes by `publish`. At most once: what is popped by a process that dies is gone.
"""

import asyncio
from typing import Any

from redis.exceptions import RedisError

from realtime.store import Unavailable, store


async def push(key: str, message: bytes, *, keep_ms: int) -> None:
    """Append; the whole list is forgotten `keep_ms` after the last push.

    Raises `Unavailable`.
    """
    link = store()
    await asyncio.gather(
        link.call("RPUSH", key, message), link.call("PEXPIRE", key, keep_ms)
    )


async def pop(key: str, *, seconds: float) -> bytes | None:
    """Take the oldest, waiting for one up to `seconds`; None: there was none.

    Holds a connection of its own while it waits. Raises `Unavailable`.
    """
    try:
        async with asyncio.timeout(seconds + 2):
            taken: Any = await (await store().client(key)).blpop([key], timeout=seconds)
    except (RedisError, OSError):
        raise Unavailable from None
    return None if taken is None else bytes(taken[1])
