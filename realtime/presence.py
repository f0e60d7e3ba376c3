"""How many watch, and who is online; both approximate, both nothing without a store."""

import asyncio
import secrets
from collections.abc import Iterable

from msgspec import Struct

from realtime.channels import personal
from realtime.store import Unavailable, lua, store, store_key

REPORT_SECONDS = 2.0
"""How often each process tells what it sees of a counted channel."""
SILENT_SECONDS = 15
USERS_SECONDS = 24 * 3600
SURELY = 0.9
"""A count of users this much smaller than true is no error of counting."""

count_script = lua("count")
PROCESS = secrets.token_urlsafe(9)


class Count(Struct, frozen=True):
    """Connections now, and different users of about a day (± 2 %)."""

    clients: int
    users: int


async def report(channel: str, clients: int, users: Iterable[str]) -> Count:
    """Tell this process's connections, and users new since the last report.

    What all processes see together. Raises `Unavailable`.
    """
    return await _count(channel, PROCESS, clients, users)


async def count(channel: str) -> Count:
    """What all processes see of a counted channel; zero without a store."""
    try:
        return await _count(channel, "", 0, ())
    except Unavailable:
        return Count(0, 0)


async def online(user_ids: Iterable[int]) -> set[int]:
    """Which of them have a connection somewhere, at most ten seconds late.

    Costs no bookkeeping: who is online has somebody listening to `#<user>`.
    """
    asked = list(user_ids)
    if not asked:
        return set()
    link, buses = store(), [store_key(personal(user)) for user in asked]
    calls = [link.call("PUBSUB", link.numsub, bus, key=bus) for bus in buses]
    try:
        answers = await asyncio.gather(*calls)
    except Unavailable:
        return set()
    return {user for user, (_, n) in zip(asked, answers, strict=True) if n}


async def _count(
    channel: str, process: str, clients: int, users: Iterable[str]
) -> Count:
    answer = await asyncio.ensure_future(
        count_script(
            [store_key(channel, part) for part in ("n", "p", "u")],
            [process, clients, SILENT_SECONDS, USERS_SECONDS, *users],
        )
    )
    return Count(*answer)
