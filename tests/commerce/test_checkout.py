"""Bags of several lines and bundles become orders, whole or not at all."""

from collections.abc import Mapping

import msgspec
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from commerce.actions import bags, orders, sales, units
from commerce.actions.checkout import Bagful, check_lines, check_out
from commerce.actions.deciding import Answer, Answers
from commerce.commands.bags import BagWish, CheckOutBag, PutInBag
from commerce.commands.orders import Expect, OrderHeld, PlaceOrder, Via
from commerce.models import BagLine, Move, Offer, Order, Stock, Tally
from realtime.answered import digest_of
from realtime.exceptions import CommandError
from streams.models import Stream
from tests.commerce.conftest import PRICE, Show, key, open_show
from tests.commerce.goods_at_hand import Ware, count, put_out
from tests.commerce.money_at_hand import end_hold, news, pay
from tests.commerce.test_deciding import refusal
from tests.commerce.test_shelf import act
from tests.commerce.test_shelf import told as said

pytestmark = pytest.mark.django_db(transaction=True)


def cup(show: Show) -> Ware:
    return Ware(show.product, show.sku, show.number, show.offer, show.stock, PRICE)


def wishes(lines: Mapping[Ware, int]) -> list[BagWish]:
    return [
        BagWish(
            offer=ware.offer,
            qty=qty,
            expect=Expect(amount=ware.price * qty, currency="CNY"),
        )
        for ware, qty in lines.items()
    ]


def bag(
    show: Show, buyer: User, lines: Mapping[Ware, int], *, name: str = ""
) -> Bagful:
    command = CheckOutBag(
        key=name or key(),
        shop=show.shop,
        lines=wishes(lines),
        via=Via(kind="stream", id=show.stream.pk),
    )
    return Bagful(buyer.pk, digest_of(command), command)


def alone(show: Show, buyer: User, ware: Ware, qty: int = 1) -> Bagful:
    """`order.place` of a bundle."""
    command = PlaceOrder(
        key=key(),
        offer=ware.offer,
        qty=qty,
        via=Via(kind="stream", id=show.stream.pk),
        expect=Expect(amount=ware.price * qty, currency="CNY"),
    )
    return Bagful(buyer.pk, digest_of(command), command)


def told(*asked: Bagful, refused: Answers | None = None) -> list[Answer]:
    decision = check_out(asked, refused or {})
    return [one.told(decision.answers) for one in asked]


def held(answer: Answer) -> OrderHeld:
    assert isinstance(answer, OrderHeld)
    return answer


@pytest.mark.both_databases
def test_a_bag_is_one_order_with_its_lines_and_movements(show: Show) -> None:
    bowl = put_out(show, hold_s=60)
    reply = held(told(bag(show, show.buyer(), {cup(show): 2, bowl: 3}))[0])
    order = Order.objects.get()
    lines = list(order.lines.order_by("id"))
    assert [(line.offer_id, line.qty, line.price) for line in lines] == [
        (show.offer, 2, PRICE),
        (bowl.offer, 3, bowl.price),
    ]
    assert order.goods == 2 * PRICE + 3 * bowl.price
    assert order.stream == show.stream
    # The shortest time among its offers counts for all.
    assert order.hold_until == order.placed_at + 60_000
    assert [line.line for line in reply.lines] == [line.pk for line in lines]
    assert (show.left, bowl.left) == (8, 7)


@pytest.mark.both_databases
def test_all_lines_are_held_or_none(show: Show) -> None:
    bowl = put_out(show, left=1)
    answer = told(bag(show, show.buyer(), {cup(show): 2, bowl: 2}))[0]
    assert refusal(answer) == (
        "sold_out",
        {
            "available": 1,
            "wait": True,
            "lines": [{"offer": bowl.offer, "available": 1, "wait": True}],
        },
    )
    assert (show.left, bowl.left, Order.objects.count()) == (10, 1, 0)


@pytest.mark.both_databases
def test_the_same_key_has_the_same_bytes_for_ever(show: Show) -> None:
    bowl = put_out(show)
    asked = bag(show, show.buyer(), {cup(show): 1, bowl: 1})
    first = held(told(asked)[0])
    Offer.objects.update(prices={"CNY": 1}, state="closed")
    assert msgspec.json.encode(told(asked)[0]) == msgspec.json.encode(first)
    other = bag(show, User.objects.get(id=asked.buyer), {bowl: 1})
    other = msgspec.structs.replace(
        other, command=msgspec.structs.replace(other.command, key=asked.command.key)
    )
    assert refusal(told(other)[0]) == ("key_reused", {"method": "bag.checkout"})
    assert (show.left, bowl.left) == (9, 9)


@pytest.mark.both_databases
def test_the_same_key_twice_in_one_batch_is_one_order(show: Show) -> None:
    asked = bag(show, show.buyer(), {cup(show): 1})
    first, second = told(asked, asked)
    assert held(first) == held(second)
    assert show.left == 9


def test_a_remembered_refusal_stands_but_a_hold_is_truer(show: Show) -> None:
    asked = bag(show, show.buyer(), {cup(show): 1})
    no = CommandError.__new__(CommandError)
    refused: Answers = {asked.name: (asked.digest, no)}
    assert told(asked, refused=refused) == [no]
    won = held(told(asked)[0])
    assert told(asked, refused=refused) == [won]


@pytest.mark.both_databases
def test_a_bundle_has_the_price_and_its_parts_the_units(show: Show) -> None:
    bowl = put_out(show)
    tea_set = put_out(show, price=2500, parts={show.sku: 2, bowl.sku: 1})
    reply = held(told(alone(show, show.buyer(), tea_set, 3))[0])
    order = Order.objects.get()
    whole, *parts = order.lines.order_by("id")
    assert (whole.sku_id, whole.stock_id, whole.qty, whole.price) == (
        tea_set.sku,
        None,
        3,
        2500,
    )
    assert [(p.parent_id, p.sku_id, p.qty, p.price, p.title) for p in parts] == [
        (whole.pk, show.sku, 6, 0, "Cup"),
        (whole.pk, bowl.sku, 3, 0, "Bowl"),
    ]
    assert [(line.qty, line.price) for line in reply.lines] == [
        (3, 2500),
        (6, 0),
        (3, 0),
    ]
    assert order.goods == 7500
    assert (show.left, bowl.left, tea_set.left) == (4, 7, 0)
    answer = told(alone(show, show.buyer(), tea_set, 3))[0]
    assert refusal(answer) == ("sold_out", {"available": 2, "wait": True})


@pytest.mark.both_databases
def test_a_bundle_and_a_part_beside_it_are_summed_on_the_row(show: Show) -> None:
    pair = put_out(show, parts={show.sku: 2})
    refused = told(bag(show, show.buyer(), {cup(show): 7, pair: 2}))[0]
    assert refusal(refused)[1]["lines"] == [
        {"offer": pair.offer, "available": 1, "wait": True}
    ]
    held(told(bag(show, show.buyer(), {cup(show): 6, pair: 2}))[0])
    assert show.left == 0


def test_a_bundle_s_limit_counts_bundles(show: Show) -> None:
    pair = put_out(show, parts={show.sku: 2}, per_buyer=2)
    buyer = show.buyer()
    held(told(alone(show, buyer, pair))[0])
    assert Tally.objects.get().qty == 1
    assert refusal(told(alone(show, buyer, pair, 2))[0]) == (
        "limit_reached",
        {"limit": 2, "have": 1},
    )


@pytest.mark.both_databases
def test_an_expired_bundle_gives_its_parts_and_the_limit_back(show: Show) -> None:
    pair = put_out(show, parts={show.sku: 2}, per_buyer=1)
    buyer = show.buyer()
    held(told(bag(show, buyer, {cup(show): 1, pair: 1}))[0])
    order = Order.objects.get()
    end_hold(order)
    assert orders.expire(order.pk) == [show.stock]
    assert (show.left, Tally.objects.get().qty) == (10, 0)
    assert sorted(Move.objects.values_list("kind", "delta")) == [
        ("hold", -2),
        ("hold", -1),
        ("receive", 10),
        ("release", 1),
        ("release", 2),
    ]
    held(told(alone(show, buyer, pair))[0])


@pytest.mark.both_databases
def test_late_money_takes_all_lines_again_or_none(show: Show) -> None:
    bowl = put_out(show, left=1)
    pair = put_out(show, price=PRICE - 1000, parts={show.sku: 5})
    told(
        bag(show, show.buyer(), {cup(show): 5, pair: 1}),
        alone(show, show.buyer(), bowl),
    )
    order = Order.objects.get(lines__offer=pair.offer, lines__parent=None)
    payment = pay(order)
    end_hold(order)
    orders.expire(order.pk, unasked=True)
    # Five would do for either line, not for both.
    count(show, show.sku, -1)
    order.refresh_from_db()
    with transaction.atomic():
        assert units.take_again(order, 1) is None
    count(show, show.sku, 1)
    news(payment.ref or "", amount=order.goods)
    order.refresh_from_db()
    assert (order.state, show.left) == ("paid", 0)


@pytest.mark.both_databases
def test_restocked_bundles_come_back_as_their_parts(show: Show) -> None:
    bowl = put_out(show)
    tea_set = put_out(show, price=PRICE, parts={show.sku: 2, bowl.sku: 1})
    told(alone(show, show.buyer(), tea_set, 3))
    order = Order.objects.get()
    news(pay(order).ref or "", amount=3 * PRICE)
    whole = order.lines.get(parent=None)
    with transaction.atomic():
        stocks = units.restock([(whole, 2)], "return:1", 1)
    assert stocks == sorted([show.stock, bowl.stock])
    assert (show.left, bowl.left) == (10 - 6 + 4, 10 - 3 + 2)
    assert set(Move.objects.filter(kind="restock").values_list("ref", flat=True)) == {
        f"return:1:{line.pk}" for line in order.lines.exclude(parent=None)
    }


@pytest.mark.both_databases
def test_the_room_hears_of_a_bundle_as_one_thing(show: Show) -> None:
    pair = put_out(show, price=PRICE, parts={show.sku: 2})
    told(bag(show, show.buyer(), {cup(show): 3, pair: 2}))
    order = Order.objects.get()
    news(pay(order).ref or "", amount=5 * PRICE)
    sales.announce()
    sold = {
        event["number"]: (event["count"], event["sold"])
        for event in said(show)
        if event["type"] == "sale.announced"
    }
    assert sold == {show.number: (1, 3), pair.number: (1, 2)}
    seen = sales.stream_insight(show.host.pk, show.stream.pk)
    assert (seen.figures.units, seen.figures.orders) == (5, 1)
    assert {item.number: (item.sold, item.left) for item in seen.items} == {
        show.number: (3, 3),
        pair.number: (2, 1),
    }


@pytest.mark.both_databases
def test_what_was_bought_leaves_the_bag(show: Show) -> None:
    bowl = put_out(show)
    buyer, other = show.buyers(2)
    for who, ware, qty in ((buyer, cup(show), 1), (buyer, bowl, 2), (other, bowl, 1)):
        act(bags.put_in_bag, who, PutInBag(key=key(), offer=ware.offer, qty=qty))
    held(told(bag(show, buyer, {cup(show): 1}))[0])
    assert [line.offer for line in bags.bag_view(buyer.pk).lines] == [bowl.offer]
    assert bags.bag_view(buyer.pk).version == 3
    refusal(told(bag(show, buyer, {bowl: 11}))[0])
    assert BagLine.objects.count() == 2
    # Buying at once is not buying from the bag.
    pair = put_out(show, parts={bowl.sku: 1})
    act(bags.put_in_bag, buyer, PutInBag(key=key(), offer=pair.offer, qty=1))
    held(told(alone(show, buyer, pair))[0])
    assert BagLine.objects.filter(user=buyer).count() == 2


def test_a_bag_is_of_one_shop(show: Show) -> None:
    foreign = cup(open_show())
    answer = told(bag(show, show.buyer(), {cup(show): 1, foreign: 1}))[0]
    assert refusal(answer) == (
        "bad_request",
        {"path": "$.lines[1].offer", "why": "of another shop"},
    )
    assert show.left == 10


def test_refusals_name_their_lines(show: Show) -> None:
    bowl = put_out(show, per_buyer=1)
    buyer = show.buyer()

    def why(lines: Mapping[Ware, int]) -> tuple[str, object]:
        name, facts = refusal(told(bag(show, buyer, lines))[0])
        return name, facts["lines"]

    wrong = Ware(bowl.product, bowl.sku, 1, bowl.offer, bowl.stock, bowl.price + 1)
    assert why({cup(show): 1, wrong: 1}) == (
        "price_changed",
        [{"offer": bowl.offer, "amount": bowl.price, "currency": "CNY"}],
    )
    assert why({cup(show): 1, bowl: 2}) == (
        "limit_reached",
        [{"offer": bowl.offer, "limit": 1, "have": 0}],
    )
    gone = Ware(1, 1, 1, 10**6, 1, 1)
    assert why({cup(show): 1, gone: 1}) == ("not_found", [{"offer": 10**6}])
    Offer.objects.filter(id=bowl.offer).update(state="closed")
    name, lines = why({cup(show): 1, bowl: 1})
    assert name == "offer_closed"
    assert isinstance(lines, list) and lines[0]["offer"] == bowl.offer
    dollars = bag(show, buyer, {cup(show): 1})
    usd = [
        msgspec.structs.replace(line, expect=Expect(amount=PRICE, currency="USD"))
        for line in dollars.lines
    ]
    assert isinstance(dollars.command, CheckOutBag)
    command = msgspec.structs.replace(dollars.command, lines=usd)
    asked = Bagful(buyer.pk, digest_of(command), command)
    assert refusal(told(asked)[0]) == (
        "currency_missing",
        {"currency": "USD", "lines": [{"offer": show.offer, "currency": "USD"}]},
    )
    assert (show.left, bowl.left) == (10, 10)


def test_a_bag_with_a_private_show_s_offer_is_not_for_strangers(show: Show) -> None:
    bowl = put_out(show)
    Stream.objects.update(visibility=Stream.Visibility.PRIVATE)
    asked = bag(show, show.buyer(), {bowl: 1})
    assert refusal(told(asked)[0])[0] == "not_found"
    held(told(bag(show, show.host, {bowl: 1}))[0])


def test_a_bag_wrong_in_itself_is_refused_by_its_path(show: Show) -> None:
    one = wishes({cup(show): 1})[0]
    dollar = msgspec.structs.replace(
        one, offer=2, expect=Expect(amount=1, currency="USD")
    )
    dear = Expect(amount=10**12, currency="CNY")
    much = [msgspec.structs.replace(one, offer=n, expect=dear) for n in (1, 2)]

    def path(lines: list[BagWish]) -> object:
        via = Via(kind="stream", id=1)
        with pytest.raises(CommandError) as error:
            check_lines(CheckOutBag(key=key(), shop=1, lines=lines, via=via))
        return error.value.data["path"]

    assert path([one, one]) == "$.lines[1].offer"
    assert path([one, dollar]) == "$.lines[1].expect.currency"
    assert path(much) == "$.lines"


@pytest.mark.both_databases
def test_bags_decided_together_take_few_statements(show: Show) -> None:
    bowl = put_out(show, left=1000)
    plate = put_out(show, left=1000)
    pair = put_out(show, parts={bowl.sku: 1, plate.sku: 1}, per_buyer=3)
    asked = [bag(show, who, {bowl: 1, plate: 2, pair: 1}) for who in show.buyers(60)]
    with CaptureQueriesContext(connection) as queries:
        decision = check_out(asked, {})
    assert len(decision.winners) == 60
    said = [q["sql"] for q in queries if not q["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(said) <= 18, said
    assert Stock.objects.get(id=bowl.stock).available == 1000 - 120
