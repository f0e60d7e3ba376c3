"""What is due by the clock: every web process looks, rows are claimed one by one.

A row is its own job: a crash leaves it due, and another process does it. Neighbours:
actions/paying.py asks providers, actions/sales.py tells the rooms.
"""

import asyncio
import logging
import random
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from django.db import OperationalError

from commerce.actions import (
    aftersales,
    inbox,
    orders,
    parcels,
    paying,
    payments,
    refunds,
    sales,
    shipping,
    stock,
    waits,
)
from commerce.providers import NAMES, enabled
from commerce.teller import tellers
from realtime import CommandRouter, db
from realtime.exceptions import CommandError

log = logging.getLogger(__name__)
router = CommandRouter()

T = TypeVar("T")
Row = TypeVar("Row")
Round = Callable[[], Awaitable[None]]
ALONGSIDE = 8
"""A provider is asked so many things at once."""


async def expire() -> None:
    """Holds whose time is over, and nobody may be paying them: their units go back."""
    await _each(orders.expire, await db(orders.due_unpaid))


async def end(provider: str) -> None:
    """Holds whose time is over, and `provider` may be taking money for them."""
    due = await db(orders.due_paying, provider)
    for changed in await _alongside(paying.expire, due):
        tellers().changed(changed)


async def ask(provider: str) -> None:
    """Payments nobody told us about: lost news is found here."""
    if provider in enabled():
        await _alongside(paying.ask, await db(payments.due, provider))


async def send_back(provider: str) -> None:
    """Refunds that were not sent, or of which we do not know the end."""
    if provider in enabled():
        await _alongside(paying.send_back, await db(refunds.due, provider))


async def _alongside(
    work: Callable[[uuid.UUID], Awaitable[T]], rows: Sequence[uuid.UUID]
) -> list[T]:
    """Do it for each row, a few at once; what came of those that did not fail."""
    free = asyncio.Semaphore(ALONGSIDE)

    async def one(row: uuid.UUID) -> T:
        async with free:
            return await work(row)

    done: list[T] = []
    for row, told in zip(
        rows, await asyncio.gather(*map(one, rows), return_exceptions=True), strict=True
    ):
        if not isinstance(told, BaseException):
            done.append(told)
        elif _nothing_goes(told):
            log.info("%s of %s put off: %s", work.__name__, row, told)
        else:
            log.error("%s of %s failed", work.__name__, row, exc_info=told)
    return done


async def _each(work: Callable[[Row], list[int] | None], rows: Sequence[Row]) -> None:
    """Do it for each row, and tell the tellers which stock rows got units.

    A row that fails stays due and holds up no other; if the database is away, none
    can be done, and the round ends.
    """
    for row in rows:
        try:
            touched = await db(work, row)
        except Exception as error:
            if _nothing_goes(error):
                raise
            log.exception("%s of %s failed", work.__name__, row)
        else:
            tellers().changed(touched or ())


def _nothing_goes(error: BaseException) -> bool:
    """The database is away or too busy: for the next row, too."""
    busy = isinstance(error, CommandError) and error.temporary
    return busy or isinstance(error, OperationalError)


async def announce() -> None:
    """Sales the rooms have not heard of."""
    await db(sales.announce)


async def care() -> None:
    """What was sent long ago has arrived; after-sales take the step that time takes."""
    await _each(shipping.move_on, await db(shipping.due))
    await _each(aftersales.move_on, await db(aftersales.due))
    for carrier, number in await db(parcels.forgotten):
        await db(parcels.remember, carrier, number)


async def queue() -> None:
    """Waiters who were passed over, and those for whom nothing comes back any more."""
    tellers().changed(await db(waits.serve_again))
    await db(waits.end_closed)


async def forget() -> None:
    """News of what is not ours, kept long enough."""
    await db(inbox.forget)


async def pulse() -> None:
    """Ticks again for what changed lately, should one have been lost."""
    tellers().changed(await db(stock.changed_lately))


def _of(provider: str, work: Callable[[str], Awaitable[None]]) -> Round:
    """A round of its own for each provider: one that is slow holds up no other."""

    async def round() -> None:
        await work(provider)

    round.__name__ = f"{work.__name__} {provider}"
    return round


ROUNDS: list[tuple[float, Round]] = [
    (0.5, expire),
    (0.5, announce),
    (1.0, queue),
    (2.0, pulse),
    (5.0, care),
    (600.0, forget),
    *((0.5, _of(name, end)) for name in NAMES),
    *((1.0, _of(name, ask)) for name in NAMES),
    *((1.0, _of(name, send_back)) for name in NAMES),
]


async def every(seconds: float, work: Round) -> None:
    """Do `work` about every so many seconds until cancelled, whatever it raises."""
    while True:
        await asyncio.sleep(seconds * random.uniform(0.8, 1.0))  # noqa: S311 - spreads
        try:
            await work()
        except CommandError as error:
            log.info("%s put off: %s", work.__name__, error)
        except Exception:
            log.exception("%s failed", work.__name__)


@router.runs
async def sweep() -> None:
    """All rounds, each at its own pace."""
    async with asyncio.TaskGroup() as group:
        for seconds, work in ROUNDS:
            group.create_task(every(seconds, work))
