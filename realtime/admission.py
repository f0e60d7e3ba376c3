"""Who may do it now: shared token buckets, and commands admitted once by their id.

For what must be decided without SQL (comments). One script each, beside it in lua/;
the buckets run by the store's clock, so no two processes disagree.
"""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from realtime.router import Rate
from realtime.store import LATE_SECONDS, Unavailable, lua, store, store_key

admit_script = lua("admit")
settle_script = lua("settle")
take_script = lua("take")


class New(Struct, frozen=True):
    """Not seen before: do it, then `settle`."""


class Answer(Struct, frozen=True):
    """Done before; what `settle` kept."""

    data: bytes


class Pending(Struct, frozen=True):
    """Someone is at it, or died less than `hold_s` ago."""


class Reused(Struct, frozen=True):
    """The id stands for another digest."""


class Wait(Struct, frozen=True):
    """A bucket is empty; nothing was taken."""

    ms: int


Admission = New | Answer | Pending | Reused | Wait


async def admit(
    actor: int,
    id: str,
    digest: bytes,
    *,
    rates: Sequence[tuple[str, Rate]] = (),
    hold_s: float = 10,
) -> Admission:
    """Admit the command `id` of `actor` once; a token from each bucket of `rates`.

    `rates` holds (bucket, rate), buckets of this actor. Raises `Unavailable`.
    """
    tag = f"u{actor}"
    buckets = [store_key(tag, "b", bucket) for bucket, _ in rates]
    numbers = [n for _, rate in rates for n in (rate.per_second, rate.burst)]
    match await admit_script(
        [store_key(tag, "a", id), *buckets], [digest, int(hold_s * 1000), *numbers]
    ):
        case [b"new"]:
            return New()
        case [b"answer", data]:
            return Answer(data)
        case [b"pending"]:
            return Pending()
        case [b"wait", ms]:
            return Wait(ms)
        case _:
            return Reused()


async def settle(
    actor: int, id: str, digest: bytes, answer: bytes, *, keep_s: int = 600
) -> bool:
    """Keep the answer for whoever sends `id` again.

    False when the id has come to stand for another digest. Raises `Unavailable`.
    """
    kept: int = await settle_script(
        [store_key(f"u{actor}", "a", id)], [digest, answer, keep_s]
    )
    return kept == 1


async def take(actor: int | str, bucket: str, rate: Rate, cost: float = 1) -> int:
    """Take tokens from a bucket of `actor`: a user, or text such as an address.

    Milliseconds to wait until it could succeed; 0: taken. Raises `Unavailable`, also
    when the store is late: nobody waits for it only to be allowed what they do.
    """
    if store().is_late:
        raise Unavailable
    try:
        async with asyncio.timeout(LATE_SECONDS):
            _, ms = await take_script(
                [store_key(f"u{actor}", "b", bucket)],
                [rate.per_second, rate.burst, cost],
            )
    except TimeoutError:
        raise Unavailable from None
    return int(ms)
