"""The till of a process: bags, and orders of bundles, decided together in their turn.

A bag takes from several stock rows, so no teller can have it. As with tellers, a batch
is what came while the last commit ran; the rows' locks, taken by id, are the law.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from django.db.models import Exists, OuterRef

from commerce.actions.checkout import Bagful, check_out
from commerce.actions.deciding import Answer, Answers
from commerce.commands.orders import OrderHeld
from commerce.models import BundlePart, Offer
from commerce.serving import Waiting, serve
from commerce.teller import OFFERS, QUEUE, tellers
from commerce.ticks import ticker
from realtime import db
from realtime.exceptions import BUSY, CommandError
from realtime.loops import PerLoop

LINES = 500
"""About so many lines are decided together."""


class Till:
    """A process's queue of bags."""

    def __init__(self) -> None:
        self.queue: deque[Waiting[Bagful]] = deque()
        self._serving: asyncio.Task[None] | None = None
        self._bundles: dict[int, bool] = {}
        self._looking: dict[int, asyncio.Task[bool]] = {}

    async def submit(self, bag: Bagful) -> OrderHeld:
        """Raises the refusal; `BUSY` when too many wait. The key may be sent again."""
        if len(self.queue) >= QUEUE:
            raise BUSY(retry_after_ms=1000)
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Answer] = loop.create_future()
        self.queue.append((bag, waiter))
        if self._serving is None or self._serving.done():
            self._serving = loop.create_task(self._serve())
        answer = await waiter
        if isinstance(answer, CommandError):
            # One refusal may be told to many: each raises it as if it were new.
            raise answer.with_traceback(None)
        return answer

    async def sells(self, offer: int) -> bool:
        """Whether an offer is sold here, being of a bundle: what never changes, so it
        is asked for once, however many wait for it.
        """
        if (known := self._bundles.get(offer)) is not None:
            return known
        if offer not in self._looking:
            look = self._look(offer)
            self._looking[offer] = asyncio.get_running_loop().create_task(look)
        return await asyncio.shield(self._looking[offer])

    async def _look(self, offer: int) -> bool:
        parts = BundlePart.objects.filter(bundle=OuterRef("sku"))
        found = Offer.objects.filter(id=offer).values_list(Exists(parts), flat=True)
        try:
            bundle = await db(found.first)
        finally:
            del self._looking[offer]
        if bundle is None:
            return False
        if len(self._bundles) >= OFFERS:
            self._bundles.clear()
        self._bundles[offer] = bundle
        return bool(bundle)

    async def _serve(self) -> None:
        while self.queue:
            async with tellers().counters:
                await serve(self._batch(), self._decide, tellers().refusals)

    def _batch(self) -> list[Waiting[Bagful]]:
        batch = [self.queue.popleft()]
        lines = len(batch[0][0].lines)
        while self.queue and (lines := lines + len(self.queue[0][0].lines)) <= LINES:
            batch.append(self.queue.popleft())
        return batch

    async def _decide(self, bags: Sequence[Bagful], refused: Answers) -> Answers:
        decision = await db(check_out, bags, refused)
        if decision.winners:
            ticker().mark(decision.stocks)
            tellers().announce(decision.winners)
        return decision.answers


till = PerLoop(Till)
"""The running loop's till."""
