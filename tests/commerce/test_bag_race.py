"""S8. Thousands of bags of three variants and a bundle that shares one of them."""

import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, connections

from accounts.models import User
from commerce.actions.checkout import Bagful, Decision, check_out
from commerce.commands.orders import OrderHeld
from commerce.models import Move, Order, Stock
from realtime.models import OutboxEvent
from tests.commerce.conftest import Show, open_show
from tests.commerce.goods_at_hand import Ware, put_out
from tests.commerce.test_checkout import bag, cup

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

BAGS = int(os.environ.get("SOUK_TEST_BAGS", "400"))
"""5,000 in a long run."""
WORKERS = 24 if connection.vendor == "postgresql" else 4
"""SQLite has one writer at a time, and no queue for it: more would only starve."""
SEED = 26


def wish(show: Show, buyer: User, wares: list[Ware], dice: random.Random) -> Bagful:
    """Three of four, in whatever order."""
    chosen = dice.sample(wares, 3)
    return bag(show, buyer, {ware: dice.randint(1, 2) for ware in chosen})


def unpooled() -> None:
    """A connection of this thread's own: the pool has fewer than there are workers."""
    own = connection.copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    connections["default"] = own


def decide(batch: list[Bagful], told: Counter[str]) -> Decision:
    """As the till does: again, if the database was too busy. Deadlocks are counted."""
    for _ in range(20):
        try:
            return check_out(batch, {})
        except OperationalError as error:
            if "deadlock" in str(error):
                told["deadlock"] += 1
    raise TimeoutError("never decided")


def test_bags_in_any_order_of_lines_never_lock_each_other_out(
    transactional_db: None,
) -> None:
    """S8."""
    show = open_show(left=BAGS)
    bowl, plate = (put_out(show, left=BAGS * 2 // 3) for _ in range(2))
    tea_set = put_out(show, parts={show.sku: 1, bowl.sku: 2}, per_buyer=2)
    dice = random.Random(SEED)
    wares = [cup(show), bowl, plate, tea_set]
    asked = [wish(show, buyer, wares, dice) for buyer in show.buyers(BAGS)]
    start = threading.Barrier(WORKERS)

    def work(n: int) -> Counter[str]:
        mine = asked[n::WORKERS]
        told: Counter[str] = Counter()
        unpooled()
        try:
            start.wait(30)
            # Some queue up behind each other, as at a till; most come alone.
            while mine:
                batch = [mine.pop() for _ in range(min(len(mine), n % 4 + 1))]
                decision = decide(batch, told)
                for one in batch:
                    answer = one.told(decision.answers)
                    told["held" if isinstance(answer, OrderHeld) else answer.name] += 1
        finally:
            connection.close()
        return told

    with ThreadPoolExecutor(WORKERS) as pool:
        told = sum(pool.map(work, range(WORKERS)), Counter())
    assert set(told) == {"held", "sold_out"}, told
    assert told.total() == BAGS
    orders = list(Order.objects.prefetch_related("lines"))
    assert len(orders) == told["held"]
    # All or nothing: whoever has an order has all they asked for.
    lines = {(one.buyer, line.offer, line.qty) for one in asked for line in one.lines}
    for order in orders:
        whole = [line for line in order.lines.all() if line.parent_id is None]
        assert len(whole) == 3
        assert {(order.buyer_id, x.offer_id, x.qty) for x in whole} <= lines
    for stock in Stock.objects.filter(id__in=[w.stock for w in wares]):
        moved = Move.objects.filter(stock=stock).values_list("delta", flat=True)
        assert stock.available == sum(moved) >= 0
    # No server runs here: what nobody sent for a minute is no finding of this test.
    OutboxEvent.objects.all().delete()
