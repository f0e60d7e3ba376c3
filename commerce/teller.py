"""One teller a stock row: while a transaction decides, buyers queue for the next one.

A batch is what came while the last commit ran, never what a timer waited for. So one
buyer is decided at once, and ten thousand share few row locks and few fsyncs. The row
lock and the CHECK are the law, here and in every other process; the batch is only
speed. Nobody is answered before the commit. Why: docs/topics/stock.md.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from django.db import connection

from commerce.actions.deciding import (
    Answer,
    Answers,
    Asked,
    Decision,
    Wish,
    decide,
    prior,
)
from commerce.actions.orders import expire_due
from commerce.commands.orders import OrderHeld
from commerce.errors import SOLD_OUT
from commerce.events import OrderChanged
from commerce.models import Offer
from commerce.remembering import Holders, Refusals
from commerce.serving import Waiting, serve
from commerce.ticks import ticker
from realtime import db, publish
from realtime.exceptions import BUSY, NOT_FOUND, CommandError
from realtime.loops import PerLoop

T = TypeVar("T")
log = logging.getLogger(__name__)

BATCH = 256
QUEUE = 20_000
"""Buyers who may wait in one process; more are told `busy`."""
EMPTY_SECONDS = 0.2
"""How long an empty row is believed to be empty."""
OFFERS = 10_000
TELLERS = 10_000
"""So many empty rows are remembered; of more, the first is forgotten."""
TOLD = 1_000


class Teller:
    """The queue of one stock row."""

    def __init__(self, stock: int, office: "Tellers") -> None:
        self.stock = stock
        self.office = office
        self.queue: deque[Waiting[Wish]] = deque()
        self.busy = False
        self.empty_until = 0.0
        self.was_empty = False
        self.holders = Holders()
        self.private: frozenset[int] = frozenset()

    def refusal(self, wish: Wish) -> CommandError | None:
        """Where the row was empty just now: `sold_out` at once, without a query.

        None for one who may have won before, and must be looked up, and for an offer
        that not everybody may learn of.
        """
        if time.monotonic() >= self.empty_until or wish.buyer in self.holders:
            return None
        if wish.command.offer in self.private:
            return None
        known = self.office.refusals.of([wish])
        told = wish.told(known) if known else SOLD_OUT(available=0, wait=True)
        if not isinstance(told, CommandError):
            return None
        self.office.refusals.keep(wish, told)
        return told

    async def serve(self) -> None:
        """Decide until nobody waits."""
        while self.queue:
            async with self.office.counters:
                size = min(BATCH, len(self.queue))
                batch = [self.queue.popleft() for _ in range(size)]
                await serve(batch, self._decide, self.office.refusals)

    async def _decide(self, wishes: Sequence[Wish], refused: Answers) -> Answers:
        hidden = any(wish.command.offer in self.private for wish in wishes)
        if time.monotonic() < self.empty_until and not hidden:
            return await self._refuse(wishes, refused)
        if self.was_empty:
            self.was_empty = False
            await db(expire_due, self.stock)
        since = self.holders.since
        return self._note(await db(decide, self.stock, wishes, refused, since))

    async def _refuse(self, wishes: Sequence[Wish], refused: Answers) -> Answers:
        """The row was empty just now: whoever may have won before is looked up."""
        sold_out = SOLD_OUT(available=0, wait=True)
        answers = {wish.name: (wish.digest, sold_out) for wish in reversed(wishes)}
        held = [wish for wish in wishes if wish.buyer in self.holders]
        told = await db(prior, held) if held else {}
        return {**answers, **refused, **told}

    def _note(self, decision: Decision) -> Answers:
        if decision.available == 0:
            self.was_empty = True
            self.empty_until = time.monotonic() + EMPTY_SECONDS
            self.holders.add(decision.holders)
            self.private = decision.private
        if decision.winners:
            ticker().mark([self.stock])
            self.office.announce(decision.winners)
        return decision.answers


async def _tell(buyer: int, held: OrderHeld) -> None:
    event = OrderChanged(
        order=held.order,
        state="held",
        was=None,
        version=0,
        expires_at=held.hold_until,
    )
    await publish(f"#{buyer}", event)


class Tellers:
    """A process's tellers. `submit` answers when the buyer's batch is committed."""

    def __init__(self) -> None:
        # Leaves threads of `db` to everybody else.
        self.counters = asyncio.Semaphore(1 if connection.vendor == "sqlite" else 4)
        self.refusals = Refusals()
        self._tellers: dict[int, Teller] = {}
        self._offers: dict[int, int] = {}
        self._looking: dict[int, asyncio.Task[int | None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._told: deque[tuple[Asked, OrderHeld]] = deque(maxlen=TOLD)
        self._telling: asyncio.Task[None] | None = None
        self._waiting = 0

    async def submit(self, wish: Wish) -> OrderHeld:
        """Raises the refusal; `BUSY` when too many wait. The key may be sent again."""
        if self._waiting >= QUEUE:
            raise BUSY(retry_after_ms=1000)
        self._waiting += 1
        try:
            stock = await self._stock_of(wish.command.offer)
            teller = self._tellers.setdefault(stock, Teller(stock, self))
            answer = teller.refusal(wish) or await self._queue(teller, wish)
        finally:
            self._waiting -= 1
        if isinstance(answer, CommandError):
            # One refusal may be told to many: each raises it as if it were new.
            raise answer.with_traceback(None)
        return answer

    def changed(self, stocks: Iterable[int]) -> None:
        """Units came back, or were counted anew: ask again, and tell the rooms."""
        for stock in stocks:
            if stock in self._tellers:
                self._tellers[stock].empty_until = 0.0
        ticker().mark(stocks)

    def _queue(self, teller: Teller, wish: Wish) -> asyncio.Future[Answer]:
        waiter: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        teller.queue.append((wish, waiter))
        if not teller.busy:
            teller.busy = True
            self._keep(self._serve(teller))
        return waiter

    async def _serve(self, teller: Teller) -> None:
        await teller.serve()
        teller.busy = False
        # One that knows nothing need not be kept.
        if not teller.was_empty:
            self._tellers.pop(teller.stock, None)
        elif len(self._tellers) > TELLERS:
            idle = (stock for stock, one in self._tellers.items() if not one.busy)
            del self._tellers[next(idle)]

    def _keep(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def announce(self, winners: Sequence[tuple[Asked, OrderHeld]]) -> None:
        """Tell the buyers' other screens. In a rush the oldest are left out: whoever
        asks has been answered, and other screens learn it by asking.
        """
        self._told.extend(winners)
        if self._telling is None or self._telling.done():
            self._telling = self._keep(self._announce())

    async def _announce(self) -> None:
        while self._told:
            count = min(BATCH, len(self._told))
            winners = [self._told.popleft() for _ in range(count)]
            try:
                # Together: a pipeline of the store costs a fifth of as many calls.
                await asyncio.gather(*(_tell(who.buyer, held) for who, held in winners))
            except CommandError as error:
                log.info("holds not told on other screens: %s", error)
                self._told.clear()

    async def _stock_of(self, offer: int) -> int:
        """The offer's stock row, asked for once however many wait for it."""
        if (known := self._offers.get(offer)) is not None:
            return known
        if offer not in self._looking:
            self._looking[offer] = self._keep(self._look(offer))
        stock = await asyncio.shield(self._looking[offer])
        if stock is None:
            raise NOT_FOUND()
        return stock

    async def _look(self, offer: int) -> int | None:
        found = Offer.objects.filter(id=offer).values_list("stock_id", flat=True)
        try:
            stock = await db(found.first)
        finally:
            del self._looking[offer]
        if stock is not None:
            if len(self._offers) >= OFFERS:
                self._offers.clear()
            self._offers[offer] = stock
        return stock


tellers = PerLoop(Tellers)
"""The running loop's tellers."""
