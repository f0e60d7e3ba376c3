"""An order is pushed about by buyer, shop, bank and clock: the books balance."""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Literal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commerce.actions import aftersales, closing, orders, refunds, shipping
from commerce.actions.payments import StillOpen
from commerce.actions.shipping import units_sent
from commerce.audit import findings
from commerce.commands.orders import CancelOrder
from commerce.commands.shipping import (
    CreateRefund,
    DecideAfterSale,
    OpenAfterSale,
    PackOrder,
    Part,
    ReceiveOrder,
    RefundPart,
    ShipOrder,
)
from commerce.models import Move, Order, Payment, RefundLine
from commerce.providers.protocol import Payback
from commerce.states import LIVE, SENT
from realtime.exceptions import CommandError
from realtime.models import OutboxEvent
from tests.commerce.conftest import PRICE, Show, key
from tests.commerce.money_at_hand import end_hold, hold, news, pay, receive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

Push = Callable[[Show, Order], object]
UNITS = 3
AMOUNT = UNITS * PRICE


def known(order: Order, number: int = -1) -> str:
    """The bank's name for an attempt of the order, or for none."""
    refs = list(order.payments.order_by("attempt").values_list("ref", flat=True))
    return str(refs[number]) if refs else "pi_nobody"


def time_over(show: Show, order: Order) -> None:
    if order.state in LIVE:
        end_hold(order)
    orders.expire(order.pk, unasked=True)


def give(show: Show, order: Order, qty: int | None) -> None:
    """The shop gives back units, with as much money as they need, or half of one's."""
    line = order.lines.get()
    units = UNITS - shipping.units_paid_back(order)[line.pk]
    rest = refunds.left(line)
    amount = PRICE // 2 if qty is None else rest if qty == units else qty * PRICE
    part = RefundPart(line=line.pk, amount=min(amount, rest) or 1, qty=qty)
    command = CreateRefund(key=key(), order=str(order.pk), lines=[part])
    refunds.create_refund(show.host.pk, command)


def ship(show: Show, order: Order, qty: int | None) -> None:
    parts = None if qty is None else [Part(line=order.lines.get().pk, qty=qty)]
    command = ShipOrder(
        key=key(), order=str(order.pk), carrier="sf", number=key(), lines=parts
    )
    shipping.ship(show.host.pk, command)


def back(order: Order, state: Literal["done", "failed"]) -> None:
    """What the bank says of the first refund that it did not end."""
    due = order.refunds.filter(state="due").order_by("at").first()
    if due is not None:
        refunds.learned(due.pk, Payback(key(), state))


def reclaim(show: Show, order: Order) -> None:
    """The buyer asks the money of a unit back, and the shop agrees."""
    part = Part(line=order.lines.get().pk, qty=1)
    command = OpenAfterSale(
        key=key(), order=str(order.pk), kind="refund", lines=[part], reason="late"
    )
    wish = aftersales.open_one(order.buyer_id, command).aftersale
    aftersales.decide(
        show.host.pk, DecideAfterSale(key=key(), aftersale=wish, accept=True)
    )


PUSHES: dict[str, Push] = {
    "the buyer pays": lambda show, order: pay(order),
    "the bank has the money": lambda show, order: news(known(order), amount=AMOUNT),
    "the bank has the first money": lambda show, order: news(
        known(order, 0), amount=AMOUNT
    ),
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
    "the shop ships": lambda show, order: ship(show, order, None),
    "the shop ships one": lambda show, order: ship(show, order, 1),
    "the buyer receives": lambda show, order: shipping.receive(
        order.buyer_id, ReceiveOrder(key=key(), order=str(order.pk))
    ),
    "the shop gives half of one back": lambda show, order: give(show, order, None),
    "the shop gives one back": lambda show, order: give(show, order, 1),
    "the shop gives two back": lambda show, order: give(show, order, 2),
    "the bank gave back": lambda show, order: back(order, "done"),
    "the bank gives nothing back": lambda show, order: back(order, "failed"),
    "the buyer reclaims one": reclaim,
}
ALONE = ("the bank", "the card", "another", "time", "the buyer pays")
"""They open transactions of their own."""
PAID = ["the buyer pays", "the bank has the money"]
AFTER = [name for name in sorted(PUSHES) if name.startswith(("the shop", "the bank g"))]
WALKS = st.lists(st.sampled_from(sorted(PUSHES)), max_size=12) | st.lists(
    st.sampled_from([*AFTER, "the buyer reclaims one"]), min_size=3, max_size=8
).map(lambda pushes: PAID + pushes)


def balances(order: Order) -> None:
    """Each unit was sent, or is here, or came back with its money: never two of these,
    and once all is sent no unit is none of them.
    """
    line = order.lines.get()
    sent = units_sent(order)[line.pk]
    moves = Move.objects.filter(line=line, kind="restock")
    here = sum(moves.values_list("delta", flat=True))
    assert sent + here <= UNITS
    if order.state not in {*SENT, Order.State.CLOSED}:
        return
    # A refund that failed is money owed: a person sees to it.
    money = sum(RefundLine.objects.filter(line=line).values_list("amount", flat=True))
    assert sent + here == UNITS
    assert money >= here * PRICE


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(WALKS)
def test_whatever_befalls_an_order_the_audit_is_green(
    show: Show, pushes: list[str]
) -> None:
    OutboxEvent.objects.all().delete()  # nobody sends them here; the audit waits 60 s
    if show.left < UNITS:
        receive(show, UNITS)
    order = hold(show, qty=UNITS)
    for push in pushes:
        within = nullcontext() if push.startswith(ALONE) else transaction.atomic()
        with suppress(CommandError, StillOpen), within:
            PUSHES[push](show, order)
        order.refresh_from_db()
        balances(order)
    assert [str(finding) for finding in findings()] == []
    settled = Payment.objects.filter(order=order, state="settled", use="order")
    assert settled.count() <= 1
