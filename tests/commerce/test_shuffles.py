"""Cancel, pay, decline, expire, refund in any order: one end, the books balance."""

import os
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from commerce.actions import closing, orders, payments, refunds, settling
from commerce.actions.deciding import decide
from commerce.actions.refunds import Share
from commerce.commands.orders import CancelOrder
from commerce.commands.shipping import CreateRefund, RefundPart
from commerce.models import Order, OrderChange, Payment, Refund
from commerce.providers.protocol import Charge, Payback
from realtime.exceptions import CommandError
from realtime.models import OutboxEvent
from tests.commerce.conftest import PRICE, Show, open_show
from tests.commerce.money_at_hand import begin, hold

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.usefixtures("alone"),
]

WAYS = 1000 if os.environ.get("SOAK") else 200

Step = Callable[[Order, Payment], object]


def settle(order: Order, payment: Payment) -> None:
    settling.learned(payment.pk, Charge("settled", PRICE, "CNY"))


def fail(order: Order, payment: Payment) -> None:
    settling.learned(payment.pk, Charge("failed", PRICE, "CNY"))


def end(order: Order, payment: Payment) -> None:
    settling.learned(payment.pk, Charge("cancelled", PRICE, "CNY"), ours=True)


def cancel(order: Order, payment: Payment) -> None:
    with transaction.atomic():
        closing.cancel(order.buyer_id, CancelOrder(key="k", order=str(order.pk)))


def expire(order: Order, payment: Payment) -> None:
    due = Order.objects.filter(id=order.pk, state__in=["held", "paying"])
    due.update(expires_at=1)
    orders.expire(order.pk)


def force(order: Order, payment: Payment) -> None:
    orders.expire(order.pk, unasked=True)


def refund(order: Order, payment: Payment) -> None:
    part = RefundPart(line=order.lines.get().pk, amount=PRICE // 3)
    command = CreateRefund(key="k", order=str(order.pk), lines=[part])
    with transaction.atomic():
        refunds.create_refund(order.shop.account_id, command)


STEPS: list[Step] = [settle, fail, end, cancel, expire, force, refund]


def take(step: Step, order: Order, payment: Payment) -> None:
    """Do it, or be refused in one of the ways the page knows."""
    with suppress(CommandError, payments.StillOpen):
        step(order, payment)


def started(show: Show, count: int) -> list[tuple[Order, Payment]]:
    """So many orders, each with an attempt, as `order.pay` leaves them."""
    wishes = [show.wish(buyer) for buyer in show.buyers(count)]
    for first in range(0, count, 250):
        decide(show.stock, wishes[first : first + 250], {})
    held = list(Order.objects.filter(version=0).select_related("shop"))
    Order.objects.filter(version=0).update(state="paying", version=1, amount=PRICE)
    OrderChange.objects.bulk_create(
        OrderChange(order=order, version=1, was="held", state="paying", at=1)
        for order in held
    )
    attempts = Payment.objects.bulk_create(
        Payment(
            order=order,
            attempt=1,
            provider="bank",
            key=f"order:{order.pk}:1",
            ref=f"pi_{order.pk}",
            amount=PRICE,
            currency="CNY",
            state="started",
            expires_at=order.hold_until,
        )
        for order in held
    )
    return list(zip(held, attempts, strict=True))


@contextmanager
def nothing_synced() -> Iterator[None]:
    """What is proved here needs no disk: a thousand orders, a thousand ways."""
    off, on = (
        ("PRAGMA synchronous=OFF", "PRAGMA synchronous=FULL")
        if connection.vendor == "sqlite"
        else ("SET synchronous_commit TO off", "SET synchronous_commit TO on")
    )
    with connection.cursor() as cursor:
        cursor.execute(off)
        yield
        cursor.execute(on)


def settled_once(order: Order, payment: Payment, way: str) -> None:
    """Money that came pays for the order, or is on its way back, whole."""
    payment.refresh_from_db()
    order.refresh_from_db()
    back = sum(r.amount for r in Refund.objects.filter(order=order))
    if payment.state == "settled":
        kept = order.state in ("paid", "packed")
        assert (payment.use == "order") == (order.state in ("paid", "closed")), way
        assert back == PRICE or (kept and back in (0, PRICE // 3, 2 * (PRICE // 3)))
    else:
        assert order.state in ("expired", "cancelled", "held", "paying"), way
        assert back == 0, way


@pytest.mark.timeout(600)
def test_shuffles_of_cancel_pay_expiry_and_refund_end_in_one_state(
    transactional_db: None,
) -> None:
    """S15. Each way is taken by an order of its own; one seed makes all of them.

    A fifth of them here, all 1,000 with SOAK=1 (`make soak`).
    """
    show = open_show(left=WAYS)
    dice = random.Random(15)
    ways: list[str] = []
    with nothing_synced():
        for order, payment in started(show, WAYS):
            way = dice.choices(STEPS, k=dice.randint(3, 5))
            for step in way:
                take(step, order, payment)
            ways.append(" ".join(step.__name__ for step in way))
            settled_once(order, payment, ways[-1])
        OutboxEvent.objects.update(sent_at=Now())
    assert len(ways) == WAYS
    kept = Order.objects.exclude(state__in=["expired", "cancelled", "closed"])
    assert show.left == WAYS - kept.count()


def test_racing_threads_end_in_one_state(transactional_db: None) -> None:
    """S15, at once: five threads do their worst to the same order."""
    show = open_show(left=40)
    steps: list[Step] = [settle, cancel, refund, expire, end]
    with ThreadPoolExecutor(len(steps)) as pool:
        for order, payment in started(show, 12):
            ready = threading.Barrier(len(steps))

            def race(step: Step) -> None:
                try:
                    ready.wait(10)  # noqa: B023 - joined before the next round
                    take(step, order, payment)  # noqa: B023 - as above
                finally:
                    connection.close()

            list(pool.map(race, steps))
            settled_once(order, payment, "at once")


def test_one_refund_of_many_asked_for_at_once_fits(show: Show) -> None:
    order = hold(show)
    begun = begin(order)
    payment = Payment.objects.get(id=begun.payment)
    settle(order, payment)

    def give(n: int) -> None:
        try:
            take(refund, order, payment)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(give, range(6)))
    assert Refund.objects.count() == 3
    assert order.lines.get().refunded == 3 * (PRICE // 3)


def test_a_refund_in_the_lock_of_another_room_s_transaction(show: Show) -> None:
    """What after-sales call: shares of lines, in their own transaction."""
    order = hold(show)
    payment = Payment.objects.get(id=begin(order).payment)
    settle(order, payment)
    with transaction.atomic():
        locked = orders.locked(order.pk)
        share = Share(order.lines.get().pk, PRICE, 1)
        made = refunds.refund(locked, [share], "aftersale", by=None)
    refunds.learned(made.pk, Payback("re_1", "done"))
    made.refresh_from_db()
    assert (made.state, made.lines.get().qty) == ("done", 1)
