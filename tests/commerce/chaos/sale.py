"""One run: a show is opened, buyers come, things break, everything is added up."""

import asyncio
import time

from django.db import connection

from realtime import db
from tests.commerce.chaos.buyer import Buyer, Caller
from tests.commerce.chaos.line import Reply
from tests.commerce.chaos.plan import Plan
from tests.commerce.chaos.site import Site
from tests.commerce.chaos.till import Till
from tests.commerce.chaos.timetable import timetable
from tests.commerce.chaos.told import Told
from tests.commerce.conftest import Show, open_show
from tests.commerce.test_race import body

CLICKS = 10
"""At most so many keys a frame: what a buyer's bucket holds."""
A_SECOND = 5
"""What it gains."""
LIMIT = 40
"""Units a buyer of a sale that goes on may have."""


class Sale:
    """Buyers of one show on one site. `run()` until all that was planned is done."""

    def __init__(self, plan: Plan, site: Site) -> None:
        self.plan = plan
        self.site = site
        self.told = Told()
        self.till = Till(site, plan.seed)
        self.show: Show
        self.buyers: list[Buyer] = []
        self._clicked = 0
        self.began = 0.0

    async def open(self) -> None:
        """Make the shop, the show, and people who may buy."""
        self.show = await db(self._open)
        people = await db(self.show.buyers, self.plan.buyers)
        wish = body(self.show.order(key="k"))
        del wish["key"]
        self.buyers = [
            Buyer(user.pk, self.site, self.told, self.plan.seed, wish)
            for user in people
        ]
        self.told.received = self.plan.units
        await self.till.open()

    def _open(self) -> Show:
        limit = LIMIT if self.plan.goes_on else 1
        hold_s = self.plan.hold_s if self.plan.goes_on else 900
        if self.plan.control == "careless" and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "ALTER TABLE commerce_stock DROP CONSTRAINT stock_never_below_zero"
                )
        return open_show(left=self.plan.units, per_buyer=limit, hold_s=hold_s)

    async def run(self) -> None:
        self.began = time.monotonic()
        comes = self._stays if self.plan.goes_on else self._rushes
        async with asyncio.TaskGroup() as group:
            for buyer in self.buyers:
                group.create_task(comes(buyer))
            if self.plan.goes_on:
                group.create_task(self._receives())
            group.create_task(self._breaks())
        await self.till.empty()

    @property
    def progress(self) -> float:
        """From 0 to 1, and beyond."""
        passed = (time.monotonic() - self.began) / self.plan.seconds
        if self.plan.goes_on:
            return max(passed, self.told.attempts / self.plan.attempts)
        return passed

    async def until(self, progress: float) -> None:
        while self.progress < progress:
            await asyncio.sleep(0.02)

    async def _breaks(self) -> None:
        """All faults of the timetable, each at its time or, if late, one by one."""
        for due, verb in timetable(self.plan.faults, self.plan.seed):
            await self.until(due)
            await self.site.fault(verb)

    async def _rushes(self, buyer: Buyer) -> None:
        """Come once, click up to three times, some of them twice on one key."""
        await self.until(buyer.rng.uniform(0, 0.9))
        keys: list[str] = []
        for _ in range(buyer.rng.randint(1, 3)):
            twice = keys and buyer.rng.random() < 0.5
            keys.append(keys[-1] if twice else buyer.new_key())
        await buyer.place(keys)
        if buyer.rng.random() < 0.3:
            await buyer.ask_again(keys)

    async def _stays(self, buyer: Buyer) -> None:
        """Click about as fast as it is allowed, and do something about what was won."""
        while self._clicked < self.plan.attempts and self.progress < 1:
            count = min(
                buyer.rng.randint(1, CLICKS), self.plan.attempts - self._clicked
            )
            self._clicked += count
            began = time.monotonic()
            keys = [buyer.new_key() for _ in range(count)]
            won = await buyer.place(keys)
            for reply in won:
                await self._decides(buyer, reply)
            if buyer.rng.random() < 0.05:
                await buyer.ask_again(keys[:1])
            spent = time.monotonic() - began
            await asyncio.sleep(max(0.0, count / A_SECOND - spent))

    async def _decides(self, buyer: Buyer, reply: Reply) -> None:
        """Some pay, some cancel, the rest leave it to the clock."""
        order, chance = reply.read()["order"], buyer.rng.randrange(100)
        if chance < self.plan.payers:
            await self.till.pay(buyer, order)
        elif chance < self.plan.payers + 30:
            await buyer.settle(
                "order.cancel", key=buyer.new_key(), order=order, reason="no"
            )

    async def _receives(self) -> None:
        """The host receives more units, ten times, and then is told of each once."""
        host = Caller(self.show.host.pk, self.site, self.told, self.plan.seed)
        qty = max(1, self.plan.units // 10)
        for n in range(1, 10):
            await self.until(n / 10)
            seconds = time.monotonic() - self.began
            print(f"{seconds:.0f} s, {self.told.attempts} attempts", flush=True)
            fields = {"key": f"more-{n}", "sku": self.show.sku, "qty": qty}
            first = (await host.settle("stock.receive", **fields)).read()
            self.told.received += qty
            if (await host.settle("stock.receive", **fields)).read() != first:
                self.told.changed.append(f"stock.receive {n}: {first}")
        await host.leave()
