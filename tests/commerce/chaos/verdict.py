"""After a run: let time be over, ask everybody again, and add everything up."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec
from django.db import connection
from django.db.models import Q, Sum

import config.management.commands.audit as house
from commerce.clock import now_ms
from commerce.models import Order, OrderLine, Payment, Refund, Stock
from commerce.providers.bank import ledger
from commerce.states import LIVE, OPEN, SOLD
from realtime import db
from realtime.audit import Checked, Finding
from realtime.models import OutboxEvent
from tests.commerce.chaos.plan import Plan
from tests.commerce.chaos.sale import Sale
from tests.commerce.chaos.site import Site

SETTLE_SECONDS = 90.0


class Verdict(msgspec.Struct, kw_only=True):
    """The sums of a run. Everything of `wrong()` must be nothing."""

    attempts: int
    kills: int
    database_stops: int
    flushes: int
    oversold: int
    """Units of holds and sales beyond what came in."""
    lost: int
    """Told held, but no such order is stored."""
    untold: int
    """Stored, but its buyer was never told held, however often they asked."""
    changed: int
    """Answers that were another one before."""
    double_charged: int
    """Orders the bank has more money for than they cost."""
    uncharged: int
    """Sold orders the bank has less money for."""
    unreturned: int
    """Holds that still stand a while after their time was over."""
    seconds: float
    seed: str
    database: str
    store_kills: int
    failpoint_deaths: int
    held: int
    paid: int
    refunded: int
    answers: dict[str, int]
    put_off: dict[str, int]
    slowest_s: float
    audit: list[str]
    """What the audits of all rooms found."""

    def wrong(self) -> dict[str, Any]:
        """What is not as it must be."""
        names = ("oversold", "lost", "untold", "changed", "double_charged")
        values = {n: getattr(self, n) for n in (*names, "uncharged", "unreturned")}
        return {n: v for n, v in {**values, "audit": self.audit}.items() if v}


async def verdict(sale: Sale) -> Verdict:
    """Ends the run: servers are whole again, holds are let expire."""
    seconds = time.monotonic() - sale.began
    print(
        f"{seconds:.1f} s, {sale.told.attempts} attempts; now "
        f"{len(sale.told.held) + len(sale.told.unsure)} are asked again",
        flush=True,
    )
    await sale.site.fresh()
    if connection.vendor == "postgresql":
        # Of a database that was stopped under it.
        connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL's alone
    await _asked_again(sale)
    oversold = await db(_oversold, sale)
    lost, untold = await db(_compared, sale)
    print(f"{time.monotonic() - sale.began:.1f} s; now time is over", flush=True)
    unreturned = await _time_is_over()
    print(f"{time.monotonic() - sale.began:.1f} s; now it is added up", flush=True)
    broken = await db(_audited)
    for line in broken[:20]:
        print("audit:", line)
    for line in sale.told.changed[:20]:
        print("changed:", line)
    double, under = await db(_charged)
    done, told = sale.site.done, sale.told
    return Verdict(
        attempts=told.attempts,
        kills=done["kill"],
        database_stops=done["stop"],
        flushes=done["flush"],
        oversold=max(oversold, await db(_oversold, sale)),
        lost=len(lost),
        untold=len(untold),
        changed=len(told.changed),
        double_charged=double,
        uncharged=under,
        unreturned=unreturned,
        seconds=round(seconds, 1),
        seed=sale.plan.seed,
        database=connection.vendor,
        store_kills=done["store"],
        failpoint_deaths=done["failpoint"],
        held=len(told.held),
        paid=await db(Order.objects.filter(state__in=SOLD).count),
        refunded=await db(Refund.objects.count),
        answers=dict(told.verdicts),
        put_off=dict(told.put_off),
        slowest_s=round(max(told.seconds, default=0), 2),
        audit=broken,
    )


async def _asked_again(sale: Sale) -> None:
    """Every key that won, and every one whose answer may not be the last word."""
    told = sale.told
    keys: dict[int, list[str]] = defaultdict(list)
    for user, key in [*told.held, *told.unsure]:
        keys[user].append(key)

    async def again(buyer: Any) -> None:
        await buyer.ask_again(keys[buyer.user])
        await buyer.leave()

    async with asyncio.TaskGroup() as group:
        for buyer in sale.buyers:
            group.create_task(again(buyer))


def _oversold(sale: Sale) -> int:
    """Units of one SKU: what is gone and what is left, beyond what came in."""
    taken = OrderLine.objects.filter(order__state__in=LIVE | SOLD).aggregate(
        units=Sum("qty")
    )["units"]
    left = Stock.objects.get(id=sale.show.stock).available
    return max(0, (taken or 0) - sale.told.received, -left)


def _compared(sale: Sale) -> tuple[list[Any], list[Any]]:
    """Those told held whom no order fits, and orders nobody was told of."""
    stored = {
        (buyer, key): (str(id), until)
        for buyer, key, id, until in Order.objects.filter(
            shop=sale.show.shop
        ).values_list("buyer_id", "key", "id", "hold_until")
    }
    told = {}
    for name, reply in sale.told.held.items():
        held = msgspec.json.decode(reply)
        told[name] = held["order"], held["hold_until"]
    lost = [name for name, what in told.items() if stored.get(name) != what]
    untold = [name for name in stored if name not in told]
    for word, names in (("lost", lost), ("untold", untold)):
        for name in names[:20]:
            print(f"{word}: {name}")
    return lost, untold


async def _time_is_over() -> int:
    """The clock runs: holds are due, payments and refunds are to be asked about.

    How many holds still stand when the sweepers had their time.
    """
    await db(_make_due)
    end = time.monotonic() + SETTLE_SECONDS
    while await db(_unfinished) and time.monotonic() < end:
        await asyncio.sleep(0.2)
    return await db(Order.objects.filter(state__in=LIVE).count)


def _make_due() -> None:
    Order.objects.filter(state__in=LIVE).update(expires_at=1)
    soon = now_ms()
    for model in (Payment, Refund):
        model.objects.filter(check_at__isnull=False).update(check_at=soon)


def _unfinished() -> bool:
    sold_late = Q(state="paid", announced_at=None, stream__isnull=False)
    return (
        Order.objects.filter(Q(state__in=LIVE) | sold_late).exists()
        or Payment.objects.filter(state__in=OPEN, quarantined_at=None).exists()
        or Refund.objects.filter(state__in=("due", "sent")).exists()
        or OutboxEvent.objects.filter(sent_at=None).exists()
    )


def _audited() -> list[str]:
    """As `souk audit`: the rooms' invariants."""
    found: list[Finding] = []
    for audit in house.Command.audits:
        for one in audit():
            found += one.found if isinstance(one, Checked) else [one]
    # The show has no camera: nothing led it to be live.
    return [str(finding) for finding in found if finding.rule != "N1"]


def _charged() -> tuple[int, int]:
    """Orders the bank has too much money for, and those it has too little for."""
    has: dict[str, int] = defaultdict(int)
    orders = {}
    for intent in ledger.intents():
        if intent.status == "succeeded":
            has[intent.shop_order] += intent.amount
        orders[intent.id] = intent.shop_order
    for back in ledger.refunds():
        if back.status != "failed":
            has[orders[back.intent]] -= back.amount
    due = dict(_due())
    names = has.keys() | due.keys()
    double = [name for name in names if has[name] > due.get(name, 0)]
    under = [name for name in names if has[name] < due.get(name, 0)]
    for word, wrong in (("double charge", double), ("too little", under)):
        for name in wrong[:20]:
            print(f"{word}: order {name}: bank {has[name]}, due {due.get(name, 0)}")
    return len(double), len(under)


def _due() -> Iterator[tuple[str, int]]:
    """What the bank should have for each order: its price, and money that waits."""
    due: dict[str, int] = defaultdict(int)
    for order in Order.objects.filter(state__in=SOLD):
        due[str(order.pk)] += order.amount or 0
    for payment in Payment.objects.filter(
        state="settled", quarantined_at__isnull=False
    ):
        if payment.use != "order":
            due[str(payment.order_id)] += payment.amount
    for refund in Refund.objects.filter(payment__use="order", order__state__in=SOLD):
        due[str(refund.order_id)] -= refund.amount
    yield from due.items()


async def run(plan: Plan, site: Site) -> Verdict:
    """A whole run on a site that is not up yet."""
    async with site:
        sale = Sale(plan, site)
        await sale.open()
        await sale.run()
        return await verdict(sale)
