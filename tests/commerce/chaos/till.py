"""Where buyers pay: the bank's page, as a person uses it, and the bank's bad days."""

import asyncio
from random import Random

from django.conf import settings

from commerce.providers.bank import dial, ledger, news
from tests.commerce.chaos.buyer import Buyer
from tests.commerce.chaos.site import Site

BAD_DAY = dial.Dial(
    duplicate=1, shuffle=True, delay_ms=400, drop=20, error=5, cut=5, cut_ms=3500
)
"""News twice, shuffled, late or lost; calls refused, or done and never answered."""


class Till:
    """`pay` begins to pay an order over the socket and pays it at the bank."""

    def __init__(self, site: Site, seed: str) -> None:
        self.paid = 0
        self._site = site
        self._rng = Random(f"{seed}:till")
        self._telling: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        await asyncio.to_thread(dial.turn, BAD_DAY)

    async def pay(self, buyer: Buyer, order: str) -> None:
        """Somebody else's news may have paid it, time may have ended it: no matter."""
        reply = await buyer.settle(
            "order.pay", key=buyer.new_key(), order=order, version=0, method="bank"
        )
        if reply.error is not None:
            return
        ref = str(reply.read()["redirect"]).rpartition("/")[2]
        paid = "succeeded" if buyer.rng.random() < 0.9 else "failed"
        await asyncio.to_thread(ledger.move, ref, paid)
        self.paid += paid == "succeeded"
        task = asyncio.create_task(self._tell(ref))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, ref: str) -> None:
        """The bank's page sends the news, to whichever server is the site just now."""
        settings.SOUK_URL = self._site.pick(self._rng).url
        await asyncio.to_thread(news.tell, ref)

    async def empty(self) -> None:
        """Until what is to be told has been told."""
        if self._telling:
            await asyncio.wait(self._telling)
