"""What is due by the clock: every web process looks, rows are claimed one by one.

A row is its own job: a crash leaves it due, and another process does it. Neighbours:
actions/paying.py asks providers, actions/sales.py tells the rooms.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from commerce.actions import (
    aftersales,
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
from commerce.teller import tellers
from realtime import CommandRouter, db
from realtime.exceptions import CommandError

log = logging.getLogger(__name__)
router = CommandRouter()

Round = Callable[[], Awaitable[None]]
ALONGSIDE = 8
"""Providers are asked so many things at once."""


async def expire() -> None:
    """Holds whose time is over: their units go back."""
    for order in await db(orders.due):
        tellers().changed(await paying.expire(order))


async def ask() -> None:
    """Payments nobody told us about: lost news is found here."""
    due = await db(payments.due)
    for first in range(0, len(due), ALONGSIDE):
        await asyncio.gather(*map(paying.ask, due[first : first + ALONGSIDE]))


async def send_back() -> None:
    """Refunds that were not sent, or of which we do not know the end."""
    due = await db(refunds.due)
    for first in range(0, len(due), ALONGSIDE):
        await asyncio.gather(*map(paying.send_back, due[first : first + ALONGSIDE]))


async def announce() -> None:
    """Sales the rooms have not heard of."""
    await db(sales.announce)


async def care() -> None:
    """What was sent long ago has arrived; after-sales take the step that time takes."""
    for order in await db(shipping.due):
        await db(shipping.move_on, order)
    for wish in await db(aftersales.due):
        tellers().changed(await db(aftersales.move_on, wish))
    for carrier, number in await db(parcels.forgotten):
        await db(parcels.remember, carrier, number)


async def queue() -> None:
    """Waiters who were passed over, and those for whom nothing comes back any more."""
    tellers().changed(await db(waits.serve_again))
    await db(waits.end_closed)


async def pulse() -> None:
    """Ticks again for what changed lately, should one have been lost."""
    tellers().changed(await db(stock.changed_lately))


ROUNDS: list[tuple[float, Round]] = [
    (0.5, expire),
    (0.5, announce),
    (1.0, ask),
    (1.0, send_back),
    (1.0, queue),
    (2.0, pulse),
    (5.0, care),
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
