"""Buyers who are not content: asked, decided, sent back, made good."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, get_args

import msgspec
import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from accounts.models import User
from commerce import states
from commerce.actions import aftersales, closing, sales
from commerce.actions.deciding import Wish
from commerce.actions.deciding import decide as decide_queue
from commerce.actions.orders import locked
from commerce.actions.refunds import Share, create_refund, refund
from commerce.commands.orders import CancelOrder, OrderCancelled, OrderHeld
from commerce.commands.shipping import (
    AfterSaleState,
    CameBack,
    CreateRefund,
    DecideAfterSale,
    OpenAfterSale,
    Part,
    RefundPart,
    SentBack,
    WithdrawAfterSale,
)
from commerce.models import AfterSale, Move, Order, Refund, ShopMember, Stock
from realtime import digest_of, once
from realtime.exceptions import CommandError
from realtime.models import OutboxEvent
from realtime.router import Mutation
from tests.commerce.conftest import PRICE, Show, key, open_show
from tests.commerce.fulfilling import paid
from tests.commerce.money_at_hand import news, pay
from tests.commerce.test_payments import told
from tests.commerce.test_quotes import ask
from tests.commerce.test_refunds import give
from tests.commerce.test_shipping import receive, ship

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.usefixtures("alone"),
]

Kind = Literal["refund", "return", "exchange"]


def act(user: int, command: Mutation, does: Callable[..., Any]) -> str:
    """Do as the handlers do; the after-sale's state."""

    def inner() -> AfterSaleState:
        reply = does(user, command)
        made: AfterSaleState = reply[0] if isinstance(reply, tuple) else reply
        return made

    return once(user, command, AfterSaleState, inner).state


def opened(
    order: Order, kind: Kind, qty: int = 1, line: int = 0, lines: Sequence[int] = ()
) -> AfterSale:
    asked = lines or [line or order.lines.filter(parent=None).get().pk]
    command = OpenAfterSale(
        key=key(),
        order=str(order.pk),
        kind=kind,
        lines=[Part(line=one, qty=qty) for one in asked],
        reason="cracked",
    )
    act(order.buyer_id, command, aftersales.open_one)
    return AfterSale.objects.filter(order=order).latest("id")


def decide(user: int, wish: AfterSale, accept: bool = True) -> str:
    command = DecideAfterSale(key=key(), aftersale=wish.pk, accept=accept, note="ok")
    return act(user, command, aftersales.decide)


def send_back(user: int, wish: AfterSale) -> str:
    command = SentBack(key=key(), aftersale=wish.pk, carrier="sf", number="R1")
    return act(user, command, aftersales.sent)


def withdraw(user: int, wish: AfterSale) -> str:
    command = WithdrawAfterSale(key=key(), aftersale=wish.pk)
    return act(user, command, aftersales.withdraw)


def came_back(user: int, wish: AfterSale, restock: bool = True) -> str:
    command = CameBack(key=key(), aftersale=wish.pk, restock=restock)
    return act(user, command, aftersales.came_back)


def call_off(user: int, order: Order) -> None:
    command = CancelOrder(key=key(), order=str(order.pk))
    once(user, command, OrderCancelled, lambda: closing.cancel(user, command)[0])


def refusal(does: Any, *arguments: Any) -> tuple[str, dict[str, Any]]:
    with pytest.raises(CommandError) as error:
        does(*arguments)
    return error.value.name, error.value.data


def sent_order(show: Show, qty: int = 1) -> Order:
    order = paid(show, qty)
    ship(show.host.pk, order)
    order.refresh_from_db()
    return order


def hold_at(show: Show, qty: int, price: int) -> Order:
    """A hold of units at another price than the show's usual one."""
    command = show.order(qty, amount=price * qty)
    wish = Wish(show.buyer().pk, digest_of(command), command)
    answer = wish.told(decide_queue(show.stock, [wish], {}).answers)
    assert isinstance(answer, OrderHeld)
    return Order.objects.get(id=answer.order)


def now_is(order: Order) -> str:
    order.refresh_from_db()
    return order.state


def let_time_pass(wish: AfterSale) -> None:
    AfterSale.objects.filter(id=wish.pk).update(due_at=1)
    assert aftersales.due() == [wish.pk]
    aftersales.move_on(wish.pk)
    assert aftersales.due() == []
    wish.refresh_from_db()


def left(show: Show) -> int:
    return Stock.objects.get(id=show.stock).available


def test_a_return_gives_the_money_and_the_unit_back(show: Show) -> None:
    order = sent_order(show)
    wish = opened(order, "return")
    assert wish.due_at == wish.at + 3 * 86_400_000
    assert decide(show.host.pk, wish) == "accepted"
    assert Refund.objects.count() == 0
    assert send_back(order.buyer_id, wish) == "sent"
    assert came_back(show.host.pk, wish) == "done"
    wish.refresh_from_db()
    refund = Refund.objects.get()
    assert (wish.refund_id, refund.amount, refund.reason) == (
        refund.pk,
        PRICE,
        "aftersale",
    )
    assert refund.lines.get().qty == 1
    assert (now_is(order), order.due_at, left(show)) == ("closed", None, 10)
    move = Move.objects.get(kind="restock")
    assert move.ref == f"return:{wish.pk}:{order.lines.get().pk}"
    assert (wish.carrier, wish.number, wish.version) == ("sf", "R1", 4)


def test_what_cannot_be_sold_again_stays_out_of_stock(show: Show) -> None:
    order = sent_order(show)
    wish = opened(order, "return")
    decide(show.host.pk, wish)
    assert came_back(show.host.pk, wish, restock=False) == "done"
    assert (now_is(order), left(show)) == ("closed", 9)


def test_money_alone_goes_back_at_once(show: Show) -> None:
    order = sent_order(show, 2)
    wish = opened(order, "refund")
    assert decide(show.host.pk, wish) == "done"
    assert Refund.objects.get().amount == PRICE
    assert (now_is(order), left(show)) == ("shipped", 8)
    assert decide(show.host.pk, opened(order, "refund")) == "done"
    assert now_is(order) == "closed"


def test_what_was_not_sent_is_not_sent_any_more(show: Show) -> None:
    order = paid(show, 3)
    ship(show.host.pk, order, 1)
    assert decide(show.host.pk, opened(order, "refund")) == "done"
    assert (now_is(order), left(show)) == ("part_shipped", 8)
    assert refusal(ship, show.host.pk, order, 2)[0] == "bad_request"
    assert decide(show.host.pk, opened(order, "refund")) == "done"
    assert (now_is(order), left(show)) == ("shipped", 9)
    assert order.due_at is not None


def test_an_order_given_back_before_it_was_sent_is_closed(show: Show) -> None:
    order = paid(show, 2)
    decide(show.host.pk, opened(order, "refund", 2))
    assert (now_is(order), left(show)) == ("closed", 10)


def test_an_order_called_off_gives_back_what_did_not_come_back_yet(show: Show) -> None:
    order = paid(show, 3)
    decide(show.host.pk, opened(order, "refund"))
    assert (now_is(order), left(show)) == ("paid", 8)
    call_off(order.buyer_id, order)
    assert (now_is(order), left(show)) == ("closed", 10)
    assert sum(refund.amount for refund in Refund.objects.all()) == 3 * PRICE


def test_a_shop_that_gives_all_back_by_hand_closes_the_order(show: Show) -> None:
    order = paid(show, 2)
    line = order.lines.get().pk
    for amount in (PRICE, PRICE):
        parts = [RefundPart(line=line, amount=amount)]
        command = CreateRefund(key=key(), order=str(order.pk), lines=parts)
        with transaction.atomic():
            create_refund(show.host.pk, command)
    assert (now_is(order), left(show)) == ("closed", 10)


def test_units_share_a_line_to_its_last_minor_unit(
    transactional_db: None, settings: Settings
) -> None:
    settings.SOUK_COUPON_POLICY = "tests.commerce.test_quotes.Forty"
    show = open_show(price=49)
    order = hold_at(show, 3, 49)
    ask(order, None, coupon=1)
    order.refresh_from_db()
    payment = pay(order)
    assert (payment.amount, news(payment.ref or "", amount=89)) == (89, 200)
    ship(show.host.pk, order)
    for amount in (30, 29, 30):
        wish = opened(order, "refund")
        assert decide(show.host.pk, wish) == "done"
        assert Refund.objects.latest("at").amount == amount
    assert now_is(order) == "closed"


def test_a_silent_shop_has_accepted_and_a_silent_buyer_withdrawn(show: Show) -> None:
    order = sent_order(show)
    wish = opened(order, "return")
    let_time_pass(wish)
    assert (wish.state, wish.decided_by_id) == ("accepted", None)
    let_time_pass(wish)
    assert (wish.state, wish.due_at, Refund.objects.count()) == ("withdrawn", None, 0)
    wish = opened(order, "refund")
    let_time_pass(wish)
    assert (wish.state, now_is(order)) == ("done", "closed")


def test_a_parcel_sent_back_long_ago_has_arrived(show: Show) -> None:
    order = sent_order(show)
    wish = opened(order, "return")
    decide(show.host.pk, wish)
    send_back(order.buyer_id, wish)
    let_time_pass(wish)
    assert (wish.state, now_is(order), left(show)) == ("done", "closed", 9)


def test_a_refused_buyer_may_ask_again(show: Show) -> None:
    order = sent_order(show)
    assert decide(show.host.pk, opened(order, "return"), accept=False) == "refused"
    assert AfterSale.objects.get().note == "ok"
    assert opened(order, "refund").state == "asked"


def test_one_after_sale_is_open_at_a_time(show: Show) -> None:
    order = sent_order(show, 2)
    wish = opened(order, "return")
    name, facts = refusal(opened, order, "refund")
    assert (name, facts) == ("conflict", {"aftersale": wish.pk, "version": 0})
    assert withdraw(order.buyer_id, wish) == "withdrawn"
    opened(order, "refund")


def test_two_of_the_staff_decide_one_after_sale_once(show: Show) -> None:
    order = sent_order(show)
    wish = opened(order, "refund")

    def word(accept: bool) -> str:
        try:
            return decide(show.host.pk, wish, accept)
        except CommandError as error:
            return error.name
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        words = sorted(pool.map(word, [True, False, True, False]))
    assert words.count("wrong_state") == 3
    assert Refund.objects.count() == words.count("done")


def test_each_step_is_for_its_own(show: Show) -> None:
    order, stranger = sent_order(show), show.buyer()
    wish = opened(order, "return")
    for step in (decide, came_back):
        assert refusal(step, stranger.pk, wish)[0] == "not_found"
        assert refusal(step, order.buyer_id, wish)[0] == "permission_denied"
    for mine in (send_back, withdraw):
        assert refusal(mine, show.host.pk, wish)[0] == "not_found"
    assert refusal(send_back, order.buyer_id, wish) == (
        "wrong_state",
        {"state": "asked"},
    )
    assert refusal(came_back, show.host.pk, wish)[0] == "wrong_state"
    decide(show.host.pk, wish)
    send_back(order.buyer_id, wish)
    assert refusal(withdraw, order.buyer_id, wish)[0] == "wrong_state"
    assert refusal(decide, show.host.pk, wish)[0] == "wrong_state"


def test_nobody_asks_for_more_than_they_bought_or_have(show: Show) -> None:
    order, other = sent_order(show, 2), paid(show)
    assert refusal(opened, order, "return", 3)[0] == "bad_request"
    assert refusal(opened, order, "return", 1, other.lines.get().pk)[0] == "bad_request"
    assert refusal(opened, other, "return")[0] == "wrong_state"
    decide(show.host.pk, opened(order, "refund"))
    name, facts = refusal(opened, order, "return", 2)
    assert (name, facts["path"]) == ("bad_request", "$.lines[0]")


def test_an_exchange_is_another_order_that_costs_nothing(show: Show) -> None:
    order = sent_order(show, 2)
    Order.objects.update(address={"address": 0, "country": "CN"})
    receive(order.buyer_id, order)
    wish = opened(order, "exchange")
    decide(show.host.pk, wish)
    send_back(order.buyer_id, wish)
    assert came_back(show.host.pk, wish, restock=False) == "done"
    wish.refresh_from_db()
    assert wish.replacement is not None
    new = Order.objects.get(id=wish.replacement.pk)
    assert (new.state, new.amount, new.goods, new.buyer_id) == (
        "paid",
        0,
        0,
        order.buyer_id,
    )
    assert new.address == {"address": 0, "country": "CN"}
    assert (new.via_kind, new.via_id) == ("exchange", wish.pk)
    assert (new.lines.get().qty, left(show), now_is(order)) == (1, 7, "received")
    assert Refund.objects.count() == 0
    ship(show.host.pk, new)
    assert now_is(new) == "shipped"
    assert refusal(opened, new, "refund") == ("refund_exceeds", {"left": 0})
    assert opened(new, "exchange").state == "asked"


def test_another_piece_is_no_sale_of_the_show(show: Show) -> None:
    order = sent_order(show, 2)
    before = sales.stream_insight(show.host.pk, show.stream.pk)
    wish = opened(order, "exchange")
    decide(show.host.pk, wish)
    assert came_back(show.host.pk, wish, restock=False) == "done"
    after = sales.stream_insight(show.host.pk, show.stream.pk)
    assert (after.figures, after.items[0].sold) == (before.figures, 2)
    paid(show)
    sales.announce()
    event = OutboxEvent.objects.latest("id")
    assert event.channels == [f"deals:{show.stream.pk}"]
    assert msgspec.msgpack.decode(bytes(event.data))["sold"] == 3


def test_an_exchange_waits_until_there_is_another_piece(transactional_db: None) -> None:
    show = open_show(left=1)
    order = sent_order(show)
    wish = opened(order, "exchange")
    decide(show.host.pk, wish)
    assert refusal(came_back, show.host.pk, wish, False) == (
        "stock_short",
        {"available": 0},
    )
    wish.refresh_from_db()
    assert (wish.state, left(show)) == ("accepted", 0)
    assert came_back(show.host.pk, wish, restock=True) == "done"
    assert left(show) == 0


def test_an_exchange_that_was_paid_back_by_hand_sends_nothing(show: Show) -> None:
    order = sent_order(show)
    wish = opened(order, "exchange")
    decide(show.host.pk, wish)
    give(order, PRICE)
    assert came_back(show.host.pk, wish) == "done"
    wish.refresh_from_db()
    assert (wish.replacement, wish.refund, left(show)) == (None, None, 10)
    assert now_is(order) == "closed"


def test_an_exchange_does_not_count_against_the_limit(transactional_db: None) -> None:
    show = open_show(per_buyer=1)
    order = sent_order(show)
    wish = opened(order, "exchange")
    decide(show.host.pk, wish)
    assert came_back(show.host.pk, wish, restock=False) == "done"
    assert Order.objects.filter(buyer_id=order.buyer_id).count() == 2


def test_the_buyer_and_all_the_staff_hear_of_it(show: Show) -> None:
    order = sent_order(show)
    clerk = User.objects.create(username="clerk")
    ShopMember.objects.create(shop_id=show.shop, user=clerk, role="clerk")
    opened(order, "return")
    row = OutboxEvent.objects.latest("id")
    assert b"aftersale.changed" in bytes(row.data)
    assert set(row.channels) == {
        f"#{order.buyer_id}",
        f"#{show.host.pk}",
        f"#{clerk.pk}",
    }
    assert told(clerk.pk) == []


def test_every_state_of_an_after_sale_has_its_line() -> None:
    names = {state.value for state in AfterSale.State}
    assert set(states.AFTER_SALES) == names
    assert {to for after in states.AFTER_SALES.values() for to in after} <= names
    assert set(get_args(Kind)) == {kind.value for kind in AfterSale.Kind}


def test_what_was_given_back_meanwhile_is_not_given_twice(show: Show) -> None:
    order = sent_order(show)
    wish = opened(order, "refund")
    with transaction.atomic():
        shares = [Share(order.lines.get().pk, PRICE)]
        refund(locked(order.pk), shares, "shop", by=show.host.pk)
    assert decide(show.host.pk, wish) == "done"
    wish.refresh_from_db()
    assert (wish.refund, Refund.objects.count()) == (None, 1)


def test_a_piece_that_is_called_off_before_it_was_sent_may_be_asked_for_again(
    show: Show,
) -> None:
    order = sent_order(show)
    wish = opened(order, "exchange")
    decide(show.host.pk, wish)
    assert came_back(show.host.pk, wish) == "done"
    wish.refresh_from_db()
    assert wish.replacement is not None
    assert refusal(opened, order, "refund")[0] == "bad_request"
    call_off(show.host.pk, wish.replacement)
    # The piece came back once: there is none that could be taken in again.
    again = opened(order, "return")
    decide(show.host.pk, again)
    assert came_back(show.host.pk, again) == "done"
    assert (Refund.objects.get().amount, left(show)) == (PRICE, 10)
    assert refusal(opened, order, "refund")[0] == "wrong_state"
