"""After-sales that nobody speaks of any more: each comes to an end by the clock."""

import pytest

from commerce.actions import aftersales, shipping
from commerce.models import AfterSale, Order, OrderChange, Refund
from tests.commerce.conftest import PRICE, Show, open_show
from tests.commerce.money_at_hand import receive as deliver
from tests.commerce.test_aftersales import (
    Kind,
    decide,
    let_time_pass,
    opened,
    refusal,
    send_back,
    sent_order,
)
from tests.commerce.test_shipping import receive, ship

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.usefixtures("alone"),
]


def sent_back(order: Order, kind: Kind = "exchange") -> AfterSale:
    wish = opened(order, kind)
    decide(order.shop.account_id, wish)
    send_back(order.buyer_id, wish)
    wish.refresh_from_db()
    assert wish.due_at is not None
    return wish


def test_a_silent_shop_sends_another_piece(show: Show) -> None:
    order = sent_order(show)
    wish = sent_back(order)
    let_time_pass(wish)
    assert (wish.state, wish.refund, show.left) == ("done", None, 8)
    assert wish.replacement is not None
    assert wish.replacement.state == "paid"


def test_a_silent_shop_without_another_piece_gives_the_money_back(
    transactional_db: None,
) -> None:
    show = open_show(left=2)
    order = sent_order(show, 2)
    wish = sent_back(order)
    let_time_pass(wish)
    assert (wish.state, wish.replacement) == ("done", None)
    assert Refund.objects.get().amount == PRICE
    # What that was worth is not given again.
    decide(show.host.pk, opened(order, "refund"))
    order.refresh_from_db()
    assert (order.state, order.lines.get().refunded) == ("closed", 2 * PRICE)


def test_what_cost_nothing_waits_for_another_piece(transactional_db: None) -> None:
    show = open_show(left=2)
    wish = sent_back(sent_order(show))
    let_time_pass(wish)
    new = wish.replacement
    assert new is not None and show.left == 0
    ship(show.host.pk, new)
    again = sent_back(new)
    let_time_pass(again)
    assert (again.state, again.version) == ("sent", 2)
    deliver(show, 1)
    let_time_pass(again)
    assert (again.state, show.left, Refund.objects.count()) == ("done", 0, 0)


@pytest.mark.parametrize("kind", ["refund", "return", "exchange"])
def test_nothing_is_asked_of_what_was_done_long_ago(show: Show, kind: Kind) -> None:
    order = sent_order(show)
    receive(order.buyer_id, order)
    Order.objects.update(due_at=1)
    shipping.move_on(order.pk)
    assert opened(order, kind).state == "asked"
    AfterSale.objects.update(state="withdrawn")
    at = OrderChange.objects.get(state="done").at - aftersales.ASK_MS - 1
    OrderChange.objects.filter(state="done").update(at=at)
    assert refusal(opened, order, kind) == ("wrong_state", {"state": "done"})
