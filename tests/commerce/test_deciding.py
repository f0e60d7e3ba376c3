"""The teller's transaction, in process: who gets a unit, and that it is written so."""

from uuid import uuid4

import msgspec
import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from commerce.actions import orders, shelf
from commerce.actions.deciding import Answer, Answers, Wish, decide, prior
from commerce.clock import now_ms
from commerce.commands.orders import OrderHeld
from commerce.commands.shelf import PriceOffer, RemoveItem
from commerce.models import Move, Offer, Order, OrderLine, Product, Sku, Tally
from commerce.models.inserting import insert
from realtime.exceptions import CommandError
from streams.models import Role, Stream
from tests.commerce.conftest import PRICE, Show, key, open_show

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def told(show: Show, *wishes: Wish, refused: Answers | None = None) -> list[Answer]:
    decision = decide(show.stock, wishes, refused or {})
    return [wish.told(decision.answers) for wish in wishes]


def refusal(answer: Answer) -> tuple[str, dict[str, object]]:
    assert isinstance(answer, CommandError)
    return answer.name, answer.data


def held(answer: Answer) -> OrderHeld:
    assert isinstance(answer, OrderHeld)
    return answer


def test_a_hold_is_an_order_a_line_and_a_movement(show: Show) -> None:
    buyer = show.buyer()
    wish = show.wish(buyer, 2)
    reply = held(told(show, wish)[0])
    order = Order.objects.get(id=reply.order)
    line = order.lines.get()
    assert (order.buyer, order.state, order.version) == (buyer, "held", 0)
    assert (order.goods, order.currency) == (2 * PRICE, "CNY")
    assert order.hold_until == order.expires_at == order.placed_at + 300_000
    assert (line.qty, line.price, line.title) == (2, PRICE, "Cup")
    assert Move.objects.get(kind="hold").delta == -2
    assert show.left == 8
    assert reply.lines[0].line == line.pk


def test_a_line_keeps_what_was_sold_as_it_was(show: Show) -> None:
    options = {"colour": "朱红", "size": 'S "slim"'}
    Sku.objects.update(options=options)
    title = "Cup' {1,2}\\N\t\n\\."
    Product.objects.update(title=title, media=["/cup.png"])
    told(show, show.wish(show.buyer()))
    Sku.objects.update(options={})
    Product.objects.update(title="Mug", media=[])
    line = OrderLine.objects.get()
    assert (line.title, line.image, line.options) == (
        title,
        "/cup.png",
        options,
    )


def test_what_the_database_refuses_to_insert_is_an_error_of_django_s(
    show: Show,
) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        insert(Order, 1, {"colour": "red"})


def test_twenty_buyers_for_ten_units_make_ten_orders(show: Show) -> None:
    answers = told(show, *(show.wish(buyer) for buyer in show.buyers(20)))
    assert [isinstance(answer, OrderHeld) for answer in answers] == [True] * 10 + [
        False
    ] * 10
    assert refusal(answers[-1]) == ("sold_out", {"available": 0, "wait": True})
    assert show.left == 0
    assert Order.objects.count() == 10


def test_the_same_key_has_the_same_bytes_for_ever(show: Show) -> None:
    wish = show.wish(show.buyer())
    first = held(told(show, wish)[0])
    Offer.objects.update(prices={"CNY": 1}, state="closed")
    orders.expire_due(show.stock)
    order = Order.objects.get()
    order.state, order.expires_at = "expired", None
    again = held(told(show, wish)[0])
    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(first)
    assert Order.objects.count() == 1


def test_the_same_key_twice_in_one_batch_is_one_order(show: Show) -> None:
    wish = show.wish(show.buyer())
    first, second = told(show, wish, wish)
    assert held(first) == held(second)
    assert show.left == 9


def test_the_same_key_for_another_wish_is_refused(show: Show) -> None:
    buyer = show.buyer()
    one, other = show.wish(buyer, 1, key="k"), show.wish(buyer, 2, key="k")
    assert refusal(told(show, one, other)[1]) == (
        "key_reused",
        {"method": "order.place"},
    )
    assert refusal(told(show, other)[0])[0] == "key_reused"
    assert show.left == 9


def test_two_buyers_may_choose_the_same_key(show: Show) -> None:
    one, other = show.buyers(2)
    answers = told(show, show.wish(one, key="k"), show.wish(other, key="k"))
    assert held(answers[0]).order != held(answers[1]).order


def test_a_refusal_is_not_written(show: Show) -> None:
    answer = told(show, show.wish(show.buyer(), 11))[0]
    assert refusal(answer) == ("sold_out", {"available": 10, "wait": True})
    assert Order.objects.count() == 0


def test_a_remembered_refusal_stands_but_a_hold_is_truer(show: Show) -> None:
    buyer = show.buyer()
    wish = show.wish(buyer)
    no = CommandError.__new__(CommandError)
    refused: Answers = {wish.name: (wish.digest, no)}
    assert told(show, wish, refused=refused) == [no]
    won = held(told(show, wish)[0])
    assert told(show, wish, refused=refused) == [won]


def test_another_price_is_refused_with_ours(show: Show) -> None:
    command = show.order(amount=PRICE - 1)
    wish = Wish(show.buyer().pk, b"x" * 16, command)
    assert refusal(told(show, wish)[0]) == (
        "price_changed",
        {"amount": PRICE, "currency": "CNY"},
    )


def test_the_show_s_price_counts_before_the_list_s(show: Show) -> None:
    with transaction.atomic():
        shelf.price_offer(
            show.host.pk,
            PriceOffer(key=key(), offer=show.offer, prices={"CNY": 5000}),
        )
    assert refusal(told(show, show.wish(show.buyer()))[0])[1]["amount"] == 5000
    cheap = Wish(show.buyer().pk, b"x" * 16, show.order(amount=5000))
    assert held(told(show, cheap)[0]).lines[0].price == 5000


def test_what_is_off_the_shelf_or_delisted_is_closed(show: Show) -> None:
    Product.objects.update(state="delisted")
    assert refusal(told(show, show.wish(show.buyer()))[0])[0] == "offer_closed"
    Product.objects.update(state="listed")
    with transaction.atomic():
        shelf.remove_item(
            show.host.pk,
            RemoveItem(key=key(), stream=show.stream.pk, number=show.number),
        )
    assert refusal(told(show, show.wish(show.buyer()))[0])[0] == "offer_closed"


def test_an_offer_has_a_time_and_a_price_that_is_shown_later(show: Show) -> None:
    now = now_ms()
    wish = show.wish(show.buyer())
    for fields, opens in (
        ({"starts_at": now + 60_000}, now + 60_000),
        ({"starts_at": now - 1, "price_visible_at": now + 60_000}, now + 60_000),
        ({"starts_at": None, "price_visible_at": None, "ends_at": now}, None),
    ):
        Offer.objects.update(**fields)
        name, data = refusal(told(show, wish)[0])
        assert (name, data["starts_at"]) == ("offer_closed", opens)
        assert data["ends_at"] == Offer.objects.get().ends_at
        assert now <= data["now"] < now + 60_000  # type: ignore[operator] # an int
    Offer.objects.update(starts_at=now, price_visible_at=now, ends_at=now + 60_000)
    held(told(show, wish)[0])


def test_a_limit_counts_what_the_buyer_has(transactional_db: None) -> None:
    show = open_show(per_buyer=2)
    buyer = show.buyer()
    answers = told(show, show.wish(buyer), show.wish(buyer, 2), show.wish(buyer))
    assert refusal(answers[1]) == ("limit_reached", {"limit": 2, "have": 1})
    held(answers[2])
    assert refusal(told(show, show.wish(buyer))[0])[1] == {"limit": 2, "have": 2}
    assert Tally.objects.get().qty == 2


def test_a_buyer_holds_five_orders_at_most(show: Show) -> None:
    buyer = show.buyer()
    answers = told(show, *(show.wish(buyer) for _ in range(6)))
    name, data = refusal(answers[5])
    assert name == "too_many_holds"
    assert data["orders"] == [held(answer).order for answer in answers[:5]]


def test_a_full_batch_takes_ten_statements_at_most(transactional_db: None) -> None:
    """S31."""
    show = open_show(left=1000, per_buyer=3)
    wishes = [show.wish(buyer) for buyer in show.buyers(256)]
    with CaptureQueriesContext(connection) as queries:
        decision = decide(show.stock, wishes, {})
    assert len(decision.winners) == 256
    said = [q["sql"] for q in queries if not q["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(said) <= 10, said


@pytest.mark.skipif(connection.vendor != "postgresql", reason="its planner's")
@pytest.mark.usefixtures("breaks_books")
def test_a_sale_in_full_swing_is_not_read_whole_for_each_batch(
    transactional_db: None,
) -> None:
    """Whatever the planner believes of a table that grew since it was looked at."""
    show = open_show(left=1000)
    wishes = [show.wish(buyer) for buyer in show.buyers(256)]
    decide(show.stock, wishes, {})
    row = Order.objects.values().get(buyer=wishes[0].buyer)
    Order.objects.bulk_create(
        Order(**{**row, "id": uuid4(), "buyer_id": show.host.pk, "key": f"{n}"})
        for n in range(30_000)
    )
    with CaptureQueriesContext(connection) as queries:
        prior(wishes)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + queries[0]["sql"])
        (plan,) = cursor.fetchone()[0]
    assert plan["Plan"]["Shared Hit Blocks"] < len(wishes) * 20


def test_earlier_answers_are_found_by_two_statements(show: Show) -> None:
    wishes = [show.wish(buyer) for buyer in show.buyers(5)]
    decide(show.stock, wishes, {})
    with CaptureQueriesContext(connection) as queries:
        assert len(prior(wishes)) == 5
    assert len(queries) == 2
    assert OrderLine.objects.count() == 5


def test_a_stranger_cannot_buy_from_a_private_show(show: Show) -> None:
    Stream.objects.update(visibility=Stream.Visibility.PRIVATE)
    guest, stranger = show.buyers(2)
    Role.objects.create(host=show.host, user=guest, stream=show.stream, role="guest")
    answers = told(show, show.wish(stranger), show.wish(guest))
    assert refusal(answers[0])[0] == "not_found"
    held(answers[1])
    assert show.left == 9
