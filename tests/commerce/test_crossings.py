"""Two people want different things of one order at once: one of them is told so."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce.actions import closing, orders, refunds
from commerce.actions.checkout import check_out
from commerce.commands.orders import CancelOrder, OrderCancelled, OrderHeld
from commerce.models import Move, Order, Refund, Shipment
from commerce.providers.protocol import Payback
from realtime import once
from realtime.exceptions import CommandError
from tests.commerce.conftest import PRICE, Show, key
from tests.commerce.fulfilling import home, paid, shipping_show
from tests.commerce.goods_at_hand import put_out
from tests.commerce.money_at_hand import after, end_hold, hold, news, pay
from tests.commerce.test_aftersales import (
    came_back,
    decide,
    opened,
    send_back,
    withdraw,
)
from tests.commerce.test_checkout import bag
from tests.commerce.test_quotes import ask
from tests.commerce.test_refunds import give
from tests.commerce.test_shipping import ship

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.usefixtures("alone"),
]

ROUNDS = 5


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Do all of it at once: `done`, or the name of the refusal, of each."""
    gate = Barrier(len(acts))

    def one(act: Callable[[], object]) -> str:
        try:
            gate.wait()
            act()
        except CommandError as error:
            return error.name
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def cancel(order: Order) -> None:
    command = CancelOrder(key=key(), order=str(order.pk))
    buyer = order.buyer_id
    act = partial(closing.cancel, buyer, command)
    once(buyer, command, OrderCancelled, lambda: act()[0])


def test_an_order_is_sent_or_called_off_and_never_both(show: Show) -> None:
    for _ in range(ROUNDS):
        order = paid(show)
        before = after(order)[1]
        sent, called_off = at_once(
            partial(ship, show.host.pk, order), partial(cancel, order)
        )
        assert {sent, called_off} == {"done", "wrong_state"}
        state, left = after(order)
        if sent == "done":
            assert (state, left, order.refunds.count()) == ("shipped", before, 0)
        else:
            assert (state, left) == ("closed", before + 1)
            assert order.shipments.count() == 0
            assert order.refunds.get().amount == PRICE


def test_a_hold_that_is_over_is_quoted_before_or_not_at_all(
    transactional_db: None,
) -> None:
    show = shipping_show()
    for _ in range(ROUNDS):
        order = hold(show)
        where = home(order.buyer_id)
        before = after(order)[1]

        def expire(order: Order = order) -> None:
            end_hold(order)
            orders.expire(order.pk)

        quoted, _ = at_once(partial(ask, order, where), expire)
        assert quoted in ("done", "hold_expired", "busy")
        assert after(order) == ("expired", before + 1)
        assert (order.amount is None) == (quoted != "done")


def test_an_after_sale_is_decided_or_withdrawn(show: Show) -> None:
    for _ in range(ROUNDS):
        order = paid(show)
        ship(show.host.pk, order)
        wish = opened(order, "refund")
        words = at_once(
            partial(decide, show.host.pk, wish), partial(withdraw, order.buyer_id, wish)
        )
        assert sorted(words) == ["done", "wrong_state"]
        wish.refresh_from_db()
        assert (wish.state == "done") == (order.refunds.count() == 1)


def test_two_who_give_the_same_money_back_give_it_once(show: Show) -> None:
    for _ in range(ROUNDS):
        order = paid(show)
        ship(show.host.pk, order)
        wish = opened(order, "refund")
        decided, given = at_once(
            partial(decide, show.host.pk, wish), partial(give, order, PRICE)
        )
        assert decided == "done" and given in ("done", "wrong_state", "refund_exceeds")
        assert sum(refund.amount for refund in order.refunds.all()) == PRICE
        assert after(order)[0] == "closed"


def bought_set(show: Show) -> tuple[Order, int, int]:
    """Two sets of two cups and a bowl, and a bowl beside them, paid."""
    bowl = put_out(show, left=10)
    tea_set = put_out(show, parts={show.sku: 2, bowl.sku: 1}, price=5001)
    bagful = bag(show, show.buyer(), {tea_set: 2, bowl: 1})
    held = check_out([bagful], {}).answers[bagful.name][1]
    assert isinstance(held, OrderHeld)
    order = Order.objects.get(id=held.order)
    payment = pay(order)
    assert news(payment.ref or "", amount=payment.amount) == 200
    lines = {line.sku_id: line.pk for line in order.lines.filter(parent=None)}
    return order, lines[tea_set.sku], lines[bowl.sku]


def test_a_bundle_is_sent_and_comes_back_whole(show: Show) -> None:
    order, tea_set, bowl = bought_set(show)
    ship(show.host.pk, order, 1, tea_set)
    ship(show.host.pk, order)
    assert [parcel.lines for parcel in Shipment.objects.order_by("id")] == [
        [{"line": tea_set, "qty": 1}],
        [{"line": tea_set, "qty": 1}, {"line": bowl, "qty": 1}],
    ]
    order.refresh_from_db()
    assert order.state == "shipped"
    wish = opened(order, "return", 1, tea_set)
    decide(show.host.pk, wish)
    assert came_back(show.host.pk, wish) == "done"
    assert Refund.objects.get().amount == 5001
    assert sorted(m.delta for m in Move.objects.filter(kind="restock")) == [1, 2]
    assert show.left == 10 - 2


def test_a_bundle_is_exchanged_with_its_parts(show: Show) -> None:
    order, tea_set, _ = bought_set(show)
    ship(show.host.pk, order)
    wish = opened(order, "exchange", 1, tea_set)
    decide(show.host.pk, wish)
    assert came_back(show.host.pk, wish, restock=False) == "done"
    wish.refresh_from_db()
    assert wish.replacement is not None
    lines = wish.replacement.lines.order_by("id")
    assert [(line.qty, line.price) for line in lines] == [(1, 0), (2, 0), (1, 0)]
    assert show.left == 10 - 4 - 2
    other = opened(order, "refund", 1, tea_set)
    assert decide(show.host.pk, other) == "done"


def test_a_bundle_called_off_after_a_part_was_given_back_is_restocked_once(
    show: Show,
) -> None:
    order, tea_set, _ = bought_set(show)
    decide(show.host.pk, opened(order, "refund", 1, tea_set))
    assert show.left == 10 - 2
    cancel(order)
    assert show.left == 10


def locked_rows(queries: list[dict[str, str]]) -> list[list[int]]:
    """The stock rows that were locked, statement by statement."""
    locks = (
        re.search(r"commerce_stock\s+WHERE id .*'\[([\d,]*)\]'", q["sql"])
        for q in queries
    )
    return [sorted(map(int, lock[1].split(","))) for lock in locks if lock and lock[1]]


def test_a_return_of_one_thing_locks_no_row_of_another(show: Show) -> None:
    order, _, bowl = bought_set(show)
    ship(show.host.pk, order)
    wish = opened(order, "return", line=bowl)
    decide(show.host.pk, wish)
    send_back(order.buyer_id, wish)
    with CaptureQueriesContext(connection) as done:
        came_back(show.host.pk, wish)
    row = order.lines.get(id=bowl).stock_id
    assert {tuple(rows) for rows in locked_rows(done.captured_queries)} == {(row,)}


def test_a_refund_that_failed_and_was_made_again_keeps_one_unit_from_the_parcel(
    show: Show,
) -> None:
    order = paid(show, 3)
    failed = give(order, PRICE, qty=1)
    refunds.learned(UUID(failed.refund), Payback("", "failed"))
    give(order, PRICE, qty=1)
    ship(show.host.pk, order)
    assert Shipment.objects.get().lines == [{"line": order.lines.get().pk, "qty": 2}]


def test_a_gift_that_went_back_with_what_it_came_with_is_not_sent(show: Show) -> None:
    gift, bowl, cup = put_out(show, price=0), put_out(show), put_out(show)
    bagful = bag(show, show.buyer(), {gift: 1, bowl: 1, cup: 1})
    held = check_out([bagful], {}).answers[bagful.name][1]
    assert isinstance(held, OrderHeld)
    order = Order.objects.get(id=held.order)
    payment = pay(order)
    assert news(payment.ref or "", amount=payment.amount) == 200
    given, back, kept = (order.lines.get(sku=ware.sku).pk for ware in (gift, bowl, cup))
    decide(show.host.pk, opened(order, "refund", lines=[given, back]))
    assert gift.left == 10
    ship(show.host.pk, order)
    assert Shipment.objects.get().lines == [{"line": kept, "qty": 1}]
