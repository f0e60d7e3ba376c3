"""An order is pushed about by buyer, shop, bank and clock: the books balance."""

from collections.abc import Callable
from contextlib import nullcontext, suppress

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commerce.actions import closing, orders, refunds, shipping
from commerce.actions.payments import StillOpen
from commerce.audit import findings
from commerce.commands.orders import CancelOrder
from commerce.commands.shipping import (
    CreateRefund,
    PackOrder,
    ReceiveOrder,
    RefundPart,
    ShipOrder,
)
from commerce.models import Order, Payment
from commerce.states import LIVE
from realtime.exceptions import CommandError
from realtime.models import OutboxEvent
from tests.commerce.conftest import PRICE, Show, key
from tests.commerce.money_at_hand import end_hold, hold, news, pay, receive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

Push = Callable[[Show, Order], object]


def known(order: Order, number: int = -1) -> str:
    """The bank's name for an attempt of the order, or for none."""
    refs = list(order.payments.order_by("attempt").values_list("ref", flat=True))
    return str(refs[number]) if refs else "pi_nobody"


def time_over(show: Show, order: Order) -> None:
    if order.state in LIVE:
        end_hold(order)
    orders.expire(order.pk, unasked=True)


PUSHES: dict[str, Push] = {
    "the buyer pays": lambda show, order: pay(order),
    "the bank has the money": lambda show, order: news(known(order)),
    "the bank has the first money": lambda show, order: news(known(order, 0)),
    "the card is refused": lambda show, order: news(known(order), "failed"),
    "the bank has another amount": lambda show, order: news(known(order), amount=1),
    "time is over": time_over,
    "the buyer cancels": lambda show, order: closing.cancel(
        order.buyer_id, CancelOrder(key=key(), order=str(order.pk))
    ),
    "another takes a unit": lambda show, order: hold(show) if show.left else None,
    "the shop packs": lambda show, order: shipping.pack(
        show.host.pk, PackOrder(key=key(), order=str(order.pk))
    ),
    "the shop ships": lambda show, order: shipping.ship(
        show.host.pk,
        ShipOrder(key=key(), order=str(order.pk), carrier="sf", number=key()),
    ),
    "the buyer receives": lambda show, order: shipping.receive(
        order.buyer_id, ReceiveOrder(key=key(), order=str(order.pk))
    ),
    "the shop gives half back": lambda show, order: refunds.create_refund(
        show.host.pk,
        CreateRefund(
            key=key(),
            order=str(order.pk),
            lines=[RefundPart(line=order.lines.get().pk, amount=PRICE // 2)],
        ),
    ),
}
ALONE = ("the bank", "the card", "another", "time", "the buyer pays")
"""They open transactions of their own."""


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.sampled_from(sorted(PUSHES)), max_size=12))
def test_whatever_befalls_an_order_the_audit_is_green(
    show: Show, pushes: list[str]
) -> None:
    OutboxEvent.objects.all().delete()  # nobody sends them here; the audit waits 60 s
    if show.left == 0:
        receive(show, 1)
    order = hold(show)
    for push in pushes:
        within = nullcontext() if push.startswith(ALONE) else transaction.atomic()
        with suppress(CommandError, StillOpen), within:
            PUSHES[push](show, order)
        order.refresh_from_db()
    assert [str(finding) for finding in findings()] == []
    settled = Payment.objects.filter(order=order, state="settled", use="order")
    assert settled.count() <= 1
