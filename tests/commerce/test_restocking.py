"""Units whose money went back before they were sent: sold again, once, never sent."""

from functools import partial

import pytest
from django.db import transaction

from commerce.actions import refunds, waits
from commerce.actions.receipts import order_view
from commerce.actions.touching import once_touching
from commerce.commands.bags import JoinQueue
from commerce.commands.shipping import CreateRefund, Part, Refunded, RefundPart
from commerce.models import Move, Order, Refund, Shipment, Wait
from commerce.providers.protocol import Payback
from realtime import db
from realtime.exceptions import CommandError
from tests.commerce.conftest import PRICE, Show, key
from tests.commerce.fulfilling import paid
from tests.commerce.goods_at_hand import put_out
from tests.commerce.money_at_hand import hold, news, pay
from tests.commerce.test_aftersales import call_off, came_back, decide, opened
from tests.commerce.test_aftersales import refusal as after_refusal
from tests.commerce.test_checkout import bag, cup, held, told
from tests.commerce.test_shipping import ship as send

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.usefixtures("alone"),
]


def wish(order: Order, amount: int, qty: int | None = None) -> CreateRefund:
    part = RefundPart(line=order.lines.get().pk, amount=amount, qty=qty)
    return CreateRefund(key=key(), order=str(order.pk), lines=[part])


def give(order: Order, amount: int, qty: int | None = None) -> list[int]:
    """The shop's `refund.create`; the stock rows that got units."""
    with transaction.atomic():
        command = wish(order, amount, qty)
        return refunds.create_refund(order.shop.account_id, command)[1]


def refusal(order: Order, amount: int, qty: int) -> dict[str, str]:
    with pytest.raises(CommandError) as refused:
        give(order, amount, qty)
    assert refused.value.name == "bad_request"
    return refused.value.data


def ship(order: Order, qty: int | None = None) -> int:
    """Send a parcel; how many units are in it."""
    parcel = Shipment.objects.get(id=send(order.shop.account_id, order, qty))
    return sum(int(part["qty"]) for part in parcel.lines)


def test_units_without_their_money_are_still_to_be_sent(show: Show) -> None:
    order = paid(show, 3)
    for amount in (1, PRICE - 1):
        assert refusal(order, amount, 1) == {
            "path": "$.lines[0].amount",
            "why": f"so many units cost {PRICE}",
        }
    assert give(order, 1) == []
    assert show.left == 7
    assert ship(order) == 3


def test_units_given_back_before_they_were_sent_are_for_sale_again(show: Show) -> None:
    order = paid(show, 3)
    assert give(order, PRICE, 1) == [show.stock]
    assert show.left == 8
    assert ship(order) == 2
    order.refresh_from_db()
    assert order.state == "shipped"
    give(order, PRICE, 1)
    assert show.left == 8
    assert [move.delta for move in Move.objects.filter(kind="restock")] == [1]


def test_the_order_says_for_which_units_money_went_back(show: Show) -> None:
    order = paid(show, 3)
    give(order, 1000)
    give(order, PRICE, 1)
    part = Part(line=order.lines.get().pk, qty=1)
    view = order_view(order.buyer_id, str(order.pk))
    assert [refund.lines for refund in view.refunds] == [[], [part]]


def test_the_last_units_take_all_that_is_left_of_the_line(show: Show) -> None:
    order = paid(show, 3)
    give(order, 1000)
    give(order, PRICE, 1)
    rest = 2 * PRICE - 1000
    assert refusal(order, rest - 1, 2)["why"] == f"so many units cost {rest}"
    assert refusal(order, rest, 3)["path"] == "$.lines[0].qty"
    give(order, rest, 2)
    order.refresh_from_db()
    assert (order.state, show.left) == ("closed", 10)


def test_the_rest_of_a_part_sent_order_comes_back_with_its_money(show: Show) -> None:
    order = paid(show, 3)
    ship(order, 1)
    give(order, 3 * PRICE)
    order.refresh_from_db()
    assert (order.state, show.left) == ("closed", 9)


def test_a_refund_that_failed_sends_nothing_and_restocks_once(show: Show) -> None:
    order = paid(show, 2)
    give(order, PRICE, 1)
    refunds.learned(Refund.objects.get().pk, Payback("", "failed"))
    assert give(order, PRICE, 1) == []
    assert show.left == 9
    assert ship(order) == 1


def test_units_that_come_back_are_held_for_who_waits(show: Show) -> None:
    order = paid(show, 2)
    hold(show, qty=8)
    waiter = show.buyer()
    with transaction.atomic():
        waits.join(waiter.pk, JoinQueue(key=key(), offer=show.offer, qty=1))
    give(order, PRICE, 1)
    assert (Wait.objects.get().state, show.left) == ("offered", 0)


async def test_a_resend_gives_nothing_back_again(show: Show) -> None:
    order = await db(paid, show, 2)
    command = await db(wish, order, PRICE, 1)
    act = partial(refunds.create_refund, show.host.pk, command)
    first = await once_touching(show.host.pk, command, Refunded, act)
    again = await once_touching(show.host.pk, command, Refunded, act)
    assert (first[1], again) == ([show.stock], (first[0], []))
    assert await db(lambda: show.left) == 9


def test_what_was_never_sent_is_not_exchanged(show: Show) -> None:
    order, other = paid(show, 3), paid(show, 3)
    for one in (order, other):
        give(one, PRICE, 1)
        ship(one)
    refunds.learned(other.refunds.get().pk, Payback("", "failed"))
    for one in (order, other):
        for kind in ("exchange", "return"):
            name, facts = after_refusal(opened, one, kind, 3)
            assert (name, facts["why"]) == ("bad_request", "2 of this line are yours")
        assert opened(one, "exchange", 2).state == "asked"


def test_what_was_paid_back_by_hand_is_not_exchanged(show: Show) -> None:
    order = paid(show, 3)
    ship(order)
    give(order, PRICE, 1)
    assert after_refusal(opened, order, "exchange", 3)[0] == "bad_request"
    assert after_refusal(opened, order, "refund", 3)[0] == "bad_request"
    wish = opened(order, "exchange", 2)
    decide(order.shop.account_id, wish)
    came_back(order.shop.account_id, wish)
    assert after_refusal(opened, order, "return")[0] == "bad_request"


def test_the_last_units_of_a_line_take_its_last_minor_unit(show: Show) -> None:
    order = paid(show, 3)
    order.lines.update(tax=2)
    Order.objects.update(tax=2, amount=3 * PRICE + 2)
    order.payments.update(amount=3 * PRICE + 2)
    give(order, PRICE, 1)
    ship(order)
    decide(order.shop.account_id, opened(order, "refund"))
    order.refresh_from_db()
    assert order.state == "shipped"
    decide(order.shop.account_id, opened(order, "refund"))
    order.refresh_from_db()
    assert (order.state, refunds.kept(order.payments.get())) == ("closed", 0)


def test_an_order_of_which_nothing_is_left_to_send_has_no_parcel(show: Show) -> None:
    bowl = put_out(show)
    [answer] = told(bag(show, show.buyer(), {cup(show): 1, bowl: 1}))
    order = Order.objects.get(id=held(answer).order)
    payment = pay(order)
    assert news(payment.ref or "", amount=payment.amount) == 200
    for line in order.lines.order_by("id"):
        part = RefundPart(line=line.pk, amount=line.net)
        command = CreateRefund(key=key(), order=str(order.pk), lines=[part])
        with transaction.atomic():
            refunds.create_refund(show.host.pk, command)
        if line.offer_id == show.offer:
            refunds.learned(Refund.objects.get().pk, Payback("", "failed"))
    order.refresh_from_db()
    assert order.state == "paid"
    with pytest.raises(CommandError) as refused:
        send(show.host.pk, order)
    assert refused.value.data["why"] == "nothing of it is left to send"
    call_off(order.buyer_id, order)
    order.refresh_from_db()
    assert (order.state, show.left, bowl.left) == ("closed", 10, 10)
