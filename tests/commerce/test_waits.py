"""The queue for what is sold out serves itself, before anybody else may buy."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import msgspec
import pytest
from django.db import connection, transaction

from accounts.models import User
from commerce.actions import orders, units, waits
from commerce.actions.checkout import check_out
from commerce.commands.bags import JoinQueue, LeaveQueue, Waiting
from commerce.grant import MAX_HOLDS
from commerce.models import Move, Offer, Order, Product, Shop, Stock, Tally, Wait
from realtime import db, once
from realtime.exceptions import CommandError
from realtime.models import OutboxEvent
from realtime.testing import Refused
from streams.models import Stream
from tests.commerce.conftest import PRICE, Show, key, open_show
from tests.commerce.goods_at_hand import count, put_out
from tests.commerce.money_at_hand import end_hold, hold, news, pay, receive
from tests.commerce.test_buying import hold as place
from tests.commerce.test_buying import state
from tests.commerce.test_checkout import alone, bag, cup, held
from tests.commerce.test_shelf import act, refused
from tests.live import Connect

pytestmark = pytest.mark.django_db(transaction=True)


def join(buyer: User, offer: int, qty: int = 1) -> Waiting:
    place: Waiting = act(waits.join, buyer, JoinQueue(key=key(), offer=offer, qty=qty))
    return place


def no_place(buyer: User, offer: int, qty: int = 1, **more: Any) -> tuple[str, Any]:
    return refused(
        waits.join, buyer, JoinQueue(key=key(), offer=offer, qty=qty, **more)
    )


def leave(buyer: User, wait: int) -> list[int]:
    rows: list[int] = act(waits.leave, buyer, LeaveQueue(key=key(), wait=wait))[1]
    return rows


def expire(order: Order) -> None:
    end_hold(order)
    orders.expire(order.pk)


def states(show: Show) -> list[str]:
    return list(Wait.objects.order_by("id").values_list("state", flat=True))


def heard(user: User) -> list[dict[str, Any]]:
    rows = OutboxEvent.objects.filter(channels=[f"#{user.pk}"]).order_by("id")
    return [msgspec.msgpack.decode(bytes(row.data)) for row in rows]


@pytest.fixture
def sold_out(transactional_db: None) -> tuple[Show, Order]:
    """One unit, held."""
    show = open_show(left=1)
    return show, hold(show)


@pytest.mark.both_databases
def test_units_that_come_back_are_held_for_the_first_who_waits(
    sold_out: tuple[Show, Order],
) -> None:
    """S26."""
    show, order = sold_out
    first, second, third = show.buyers(3)
    places = [join(buyer, show.offer) for buyer in (first, second, third)]
    assert [place.ahead for place in places] == [0, 1, 2]
    version = Stock.objects.get(id=show.stock).version
    expire(order)
    offered = Order.objects.get(buyer=first)
    assert (offered.state, offered.key) == ("held", f"wait:{places[0].wait}")
    assert (offered.via_kind, offered.via_id) == ("wait", places[0].wait)
    assert offered.hold_until == offered.placed_at + 120_000
    assert offered.stream == show.stream
    assert offered.goods == PRICE
    # What is available never rose: not even a version tells of it.
    assert Stock.objects.get(id=show.stock).version == version
    assert show.left == 0
    assert list(Move.objects.order_by("id").values_list("kind", "delta")) == [
        ("receive", 1),
        ("hold", -1),
        ("release", 1),
        ("hold", -1),
    ]
    said = heard(first)
    assert [event["type"] for event in said] == ["wait.offered", "order.changed"]
    assert said[0]["order"] == said[1]["order"] == str(offered.pk)
    assert said[0]["expires_at"] == offered.hold_until
    assert [(e["state"], e["ahead"]) for e in heard(second)] == [("waiting", 0)]
    assert [(e["state"], e["ahead"]) for e in heard(third)] == [("waiting", 1)]
    # The first passes: the second is offered it.
    expire(offered)
    assert states(show) == ["passed", "offered", "waiting"]
    assert heard(first)[-2]["state"] == "passed"
    # The second pays.
    news(pay(Order.objects.get(buyer=second)).ref or "")
    assert states(show) == ["passed", "bought", "waiting"]


@pytest.mark.both_databases
def test_one_at_the_limit_is_passed_over(transactional_db: None) -> None:
    """S26."""
    show = open_show(left=2, per_buyer=2)
    order = hold(show)
    hold(show)
    full, second = show.buyers(2)
    join(full, show.offer, 2)
    expire(order)
    # One is too few for the queue, so it is there for all; who waits for two takes it.
    assert (show.left, states(show)) == (1, ["waiting"])
    hold(show, full)
    join(second, show.offer)
    receive(show, 2)
    assert states(show) == ["waiting", "offered"]
    assert show.left == 1
    assert Tally.objects.get(buyer=second).qty == 1


@pytest.mark.both_databases
def test_one_with_too_many_holds_is_passed_over_until_there_is_room(
    sold_out: tuple[Show, Order],
) -> None:
    show, order = sold_out
    bowl = put_out(show)
    busy, second = show.buyers(2)
    join(busy, show.offer)
    wishes = [bag(show, busy, {bowl: 1}) for _ in range(MAX_HOLDS)]
    holds = [wish.told(check_out([wish], {}).answers) for wish in wishes]
    join(second, show.offer)
    expire(order)
    assert states(show) == ["waiting", "offered"]
    receive(show, 1)
    assert (show.left, waits.serve_again()) == (1, [])
    expire(Order.objects.get(id=held(holds[0]).order))
    assert waits.serve_again() == [show.stock]
    assert (show.left, states(show)) == (0, ["offered", "offered"])


@pytest.mark.both_databases
def test_those_who_cannot_be_served_keep_nobody_waiting_elsewhere(
    sold_out: tuple[Show, Order], alone: None
) -> None:
    show, order = sold_out
    bowl, plate, tea = put_out(show, left=0), put_out(show, left=0), put_out(show)
    pair = put_out(show, parts={bowl.sku: 1, plate.sku: 1})
    one, other, busy = show.buyers(3)
    join(one, pair.offer)
    join(other, plate.offer)
    Product.objects.filter(id=plate.product).update(state="delisted")
    count(show, plate.sku, 1)
    join(busy, show.offer)
    holds = [bag(show, busy, {tea: 1}) for _ in range(MAX_HOLDS)]
    full = [wish.told(check_out([wish], {}).answers) for wish in holds]
    expire(order)
    expire(Order.objects.get(id=held(full[0]).order))
    assert states(show) == ["waiting", "waiting", "waiting"]
    assert waits.serve_again(limit=1) == [show.stock]
    assert states(show) == ["waiting", "waiting", "offered"]


@pytest.mark.both_databases
def test_every_way_back_leads_through_the_queue(alone: None) -> None:
    show = open_show(left=2)
    paid, held_by_other = hold(show), hold(show)
    news(pay(paid).ref or "")
    for buyer in show.buyers(5):
        join(buyer, show.offer)
    receive(show, 1)
    count(show, show.sku, 1)
    with transaction.atomic():
        line = paid.lines.get()
        units.restock([(line, 1)], "return:7", 1)
    with transaction.atomic():
        order = orders.locked(held_by_other.pk)
        orders.leave(order, "cancelled", 1, reason="")
    assert states(show) == ["offered"] * 4 + ["waiting"]
    assert show.left == 0
    count(show, show.sku, 3)
    assert states(show) == ["offered"] * 5
    assert show.left == 2


@pytest.mark.both_databases
def test_the_first_whose_units_fit_is_served(transactional_db: None) -> None:
    show = open_show(left=3)
    order, other = hold(show, qty=2), hold(show)
    three, two, one = show.buyers(3)
    join(three, show.offer, 3)
    join(two, show.offer, 2)
    join(one, show.offer)
    expire(order)
    assert states(show) == ["waiting", "offered", "waiting"]
    expire(other)
    assert states(show) == ["waiting", "offered", "offered"]
    assert show.left == 0


def test_units_left_over_from_before_count_too(transactional_db: None) -> None:
    show = open_show(left=2)
    order = hold(show)
    buyer = show.buyer()
    join(buyer, show.offer, 2)
    expire(order)
    assert (show.left, states(show)) == (0, ["offered"])


@pytest.mark.both_databases
def test_who_waits_in_two_shows_of_one_variant_is_served_in_turn(
    sold_out: tuple[Show, Order],
) -> None:
    show, order = sold_out
    offer = Offer.objects.get(id=show.offer)
    stream = Stream.objects.create(host=show.host, title="More", state="live")
    again = Offer.objects.create(
        stream=stream, item=offer.item, sku=offer.sku, stock=offer.stock
    )
    first, second = show.buyers(2)
    join(first, again.pk)
    join(second, show.offer)
    expire(order)
    assert states(show) == ["offered", "waiting"]
    assert Order.objects.get(buyer=first).stream == stream


@pytest.mark.both_databases
def test_a_bundle_is_waited_for_too(transactional_db: None) -> None:
    show = open_show(left=2)
    bowl = put_out(show, left=1)
    tea_set = put_out(show, price=2500, parts={show.sku: 2, bowl.sku: 1}, per_buyer=1)
    order = hold(show, qty=2)
    buyer, other = show.buyers(2)
    join(buyer, tea_set.offer)
    join(other, tea_set.offer)
    expire(order)
    offered = Order.objects.get(buyer=buyer)
    assert [(line.qty, line.price) for line in offered.lines.order_by("id")] == [
        (1, 2500),
        (2, 0),
        (1, 0),
    ]
    assert (show.left, bowl.left) == (0, 0)
    # Half of one is of no use to a queue; it is there for all.
    count(show, bowl.sku, 1)
    assert (bowl.left, states(show)) == (1, ["offered", "waiting"])
    expire(offered)
    assert states(show) == ["passed", "offered"]
    assert (show.left, bowl.left) == (0, 1)


def test_nobody_waits_for_what_is_there(show: Show) -> None:
    buyer = show.buyer()
    assert no_place(buyer, show.offer, 10) == ("conflict", {"available": 10})
    join(buyer, show.offer, 11)
    pair = put_out(show, parts={show.sku: 2})
    assert no_place(buyer, pair.offer, 5) == ("conflict", {"available": 5})


def test_a_buyer_has_one_place_in_a_queue(sold_out: tuple[Show, Order]) -> None:
    show, order = sold_out
    buyer = show.buyer()
    place = join(buyer, show.offer)
    assert join(buyer, show.offer) == place
    assert no_place(buyer, show.offer, 2) == (
        "conflict",
        {"wait": place.wait, "state": "waiting"},
    )
    expire(order)
    assert no_place(buyer, show.offer) == (
        "conflict",
        {"wait": place.wait, "state": "offered"},
    )
    expire(Order.objects.get(buyer=buyer))
    # Who has passed may come again, at the end of the queue.
    hold(show)
    assert join(buyer, show.offer).wait > place.wait


def test_only_who_may_buy_may_wait(transactional_db: None) -> None:
    show = open_show(left=2, per_buyer=1)
    buyer = show.buyer()
    hold(show)
    hold(show, buyer)
    assert no_place(buyer, show.offer) == ("limit_reached", {"limit": 1, "have": 1})
    other = show.buyer()
    assert no_place(other, 10**6)[0] == "not_found"
    assert no_place(other, show.offer, currency="USD") == (
        "currency_missing",
        {"currency": "USD"},
    )
    Stream.objects.update(visibility=Stream.Visibility.PRIVATE)
    assert no_place(other, show.offer)[0] == "not_found"
    Stream.objects.update(visibility=Stream.Visibility.PUBLIC)
    Offer.objects.update(state="closed")
    assert no_place(other, show.offer)[0] == "offer_closed"


@pytest.mark.both_databases
def test_who_leaves_the_queue_is_not_served(sold_out: tuple[Show, Order]) -> None:
    show, order = sold_out
    first, second = show.buyers(2)
    place = join(first, show.offer)
    join(second, show.offer)
    assert refused(waits.leave, second, LeaveQueue(key=key(), wait=place.wait)) == (
        "not_found",
        {},
    )
    assert leave(first, place.wait) == []
    assert leave(first, place.wait) == []
    assert heard(first)[-1]["state"] == "left"
    assert heard(second)[-1] == {
        "type": "wait.changed",
        "wait": place.wait + 1,
        "offer": show.offer,
        "state": "waiting",
        "ahead": 0,
    }
    expire(order)
    assert states(show) == ["left", "offered"]


def test_who_leaves_with_an_offer_in_hand_lets_the_next_have_it(
    sold_out: tuple[Show, Order],
) -> None:
    show, order = sold_out
    first, second = show.buyers(2)
    place = join(first, show.offer)
    join(second, show.offer)
    expire(order)
    leave(first, place.wait)
    assert states(show) == ["passed", "offered"]
    assert Order.objects.get(buyer=first).state == "cancelled"
    leave(first, place.wait)
    mine = Wait.objects.get(user=second)
    payment = pay(Order.objects.get(buyer=second))
    wrong = refused(waits.leave, second, LeaveQueue(key=key(), wait=mine.pk))
    assert wrong == ("wrong_state", {"state": "paying"})
    news(payment.ref or "")
    wrong = refused(waits.leave, second, LeaveQueue(key=key(), wait=mine.pk))
    assert wrong == ("wrong_state", {"state": "paid"})


def test_late_money_buys_what_was_waited_for(sold_out: tuple[Show, Order]) -> None:
    show, order = sold_out
    buyer = show.buyer()
    join(buyer, show.offer)
    expire(order)
    offered = Order.objects.get(buyer=buyer)
    payment = pay(offered)
    end_hold(offered)
    orders.expire(offered.pk, unasked=True)
    assert (states(show), show.left) == (["passed"], 1)
    news(payment.ref or "")
    assert (states(show), show.left) == (["bought"], 0)


def test_a_buyer_sees_the_places_they_have(sold_out: tuple[Show, Order]) -> None:
    show, order = sold_out
    bowl = put_out(show, left=0)
    first, second = show.buyers(2)
    join(first, show.offer)
    join(second, show.offer, 2)
    later = join(second, bowl.offer)
    mine = waits.my_waits(second.pk).items
    assert [(one.offer, one.qty, one.ahead, one.state) for one in mine] == [
        (bowl.offer, 1, 0, "waiting"),
        (show.offer, 2, 1, "waiting"),
    ]
    leave(second, later.wait)
    expire(order)
    receive(show, 2)
    one = waits.my_waits(second.pk).items[0]
    offered = Order.objects.get(buyer=second)
    assert (one.state, one.ahead, one.order, one.expires_at) == (
        "offered",
        0,
        str(offered.pk),
        offered.expires_at,
    )
    assert len(waits.my_waits(second.pk).items) == 1


def test_the_queue_of_what_left_the_shelf_ends(sold_out: tuple[Show, Order]) -> None:
    show, order = sold_out
    buyer = show.buyer()
    join(buyer, show.offer)
    waits.end_closed()
    assert states(show) == ["waiting"]
    Offer.objects.update(state="closed")
    expire(order)
    assert (states(show), show.left) == (["waiting"], 1)
    waits.end_closed()
    assert states(show) == ["passed"]
    assert heard(buyer)[-1]["state"] == "passed"


def test_the_queue_of_what_is_over_ends(sold_out: tuple[Show, Order]) -> None:
    show, _ = sold_out
    join(show.buyer(), show.offer)
    Offer.objects.update(starts_at=1, ends_at=2)
    name, facts = no_place(show.buyer(), show.offer)
    assert (name, facts["starts_at"], facts["ends_at"]) == ("offer_closed", 1, 2)
    waits.end_closed()
    assert states(show) == ["passed"]


@pytest.mark.parametrize("what", ["product", "shop"])
def test_the_queue_of_what_is_sold_no_more_ends(
    sold_out: tuple[Show, Order], what: str
) -> None:
    show, _ = sold_out
    join(show.buyer(), show.offer)
    if what == "product":
        Product.objects.update(state="delisted")
    else:
        Shop.objects.update(state="closed")
    waits.end_closed()
    assert states(show) == ["passed"]


def run(*works: Any) -> list[Any]:
    """All at once, each on a connection of its own; what they returned or raised."""
    start = threading.Barrier(len(works))

    def one(work: Any) -> Any:
        try:
            start.wait(10)
            return work()
        except CommandError as error:
            return error.name
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))


def joining(buyer: User, offer: int) -> Any:
    command = JoinQueue(key=key(), offer=offer, qty=1)
    act_ = partial(waits.join, buyer.pk, command)
    return partial(once, buyer.pk, command, Waiting, act_)


@pytest.mark.parametrize("n", range(3))
@pytest.mark.both_databases
def test_who_joins_as_a_unit_returns_has_it_or_is_told_that_it_is_there(
    sold_out: tuple[Show, Order], n: int
) -> None:
    show, order = sold_out
    buyer = show.buyer()
    end_hold(order)
    joined, _ = run(joining(buyer, show.offer), partial(orders.expire, order.pk))
    if joined == "conflict":
        assert (show.left, states(show)) == (1, [])
    else:
        assert (show.left, states(show)) == (0, ["offered"])


@pytest.mark.both_databases
def test_two_units_that_return_at_once_serve_two(transactional_db: None) -> None:
    show = open_show(left=4)
    held_ = [hold(show) for _ in range(4)]
    for buyer in show.buyers(3):
        join(buyer, show.offer)
    for order in held_:
        end_hold(order)
    run(*(partial(orders.expire, order.pk) for order in held_))
    assert states(show) == ["offered"] * 3
    assert show.left == 1


@pytest.mark.both_databases
def test_who_leaves_as_a_unit_returns_does_not_keep_it_from_the_next(
    sold_out: tuple[Show, Order],
) -> None:
    show, order = sold_out
    first, second = show.buyers(2)
    place = join(first, show.offer)
    join(second, show.offer)
    end_hold(order)
    run(
        partial(leave, first, place.wait),
        partial(orders.expire, order.pk),
    )
    # Left before, or with the offer in hand: then it went on.
    assert states(show) in (["left", "offered"], ["passed", "offered"])
    assert show.left == 0


def somebody_waits_for_a_lock() -> bool:
    """On PostgreSQL; on SQLite nobody gets as far."""
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.both_databases
def test_who_has_left_but_for_the_commit_is_not_served(
    sold_out: tuple[Show, Order],
) -> None:
    show, order = sold_out
    first, second = show.buyers(2)
    place = join(first, show.offer)
    join(second, show.offer)
    end_hold(order)
    left = threading.Event()

    def leaving() -> None:
        with transaction.atomic():
            waits.leave(first.pk, LeaveQueue(key=key(), wait=place.wait))
            left.set()
            deadline = time.monotonic() + 10
            while not somebody_waits_for_a_lock() and time.monotonic() < deadline:
                threading.Event().wait(0.01)

    def serving() -> None:
        left.wait(10)
        orders.expire(order.pk)

    run(leaving, serving)
    assert states(show) == ["left", "offered"]
    assert Order.objects.filter(buyer=first).count() == 0


@pytest.mark.both_databases
def test_a_bag_that_is_checked_out_as_its_units_return(
    sold_out: tuple[Show, Order],
) -> None:
    show, order = sold_out
    bowl = put_out(show)
    buyer = show.buyer()
    wish = bag(show, buyer, {cup(show): 1, bowl: 1})
    end_hold(order)
    run(partial(check_out, [wish], {}), partial(orders.expire, order.pk))
    bought = Order.objects.filter(buyer=buyer).count()
    assert (show.left, bowl.left) == (1 - bought, 10 - bought)


@pytest.mark.both_databases
def test_two_rows_of_a_bundle_that_return_at_once_reach_who_waits(
    transactional_db: None,
) -> None:
    show = open_show(left=1)
    bowl = put_out(show, left=1)
    pair = put_out(show, parts={show.sku: 1, bowl.sku: 1})
    wish = alone(show, show.buyer(), pair)
    cups, bowls = hold(show), bag(show, show.buyer(), {bowl: 1})
    bowl_order = Order.objects.get(
        id=held(bowls.told(check_out([bowls], {}).answers)).order
    )
    assert check_out([wish], {}).winners == []
    join(show.buyer(), pair.offer)
    for order in (cups, bowl_order):
        end_hold(order)
    run(*(partial(orders.expire, order.pk) for order in (cups, bowl_order)))
    waits.serve_again()
    assert states(show) == ["offered"]
    assert (show.left, bowl.left) == (0, 0)


@pytest.mark.both_databases
async def test_three_wait_and_a_hold_expires(connect: Connect) -> None:
    """S26, over the socket, by the clock."""
    show = await db(open_show, left=1)
    buyer, *people = await db(show.buyers, 4)
    me = await connect(buyer.pk)
    clients = [await connect(person.pk) for person in people]
    room = await connect((await db(show.buyer)).pk)
    await room.subscribe(f"state:{show.stream.pk}")
    await room.subscribe(f"deals:{show.stream.pk}")
    await place(me, show)
    with pytest.raises(Refused) as error:
        await place(clients[0], show)
    assert error.value.data == {"available": 0, "wait": True}
    command = {"key": key(), "offer": show.offer, "qty": 1}
    for ahead, client in enumerate(clients):
        reply = await client.rpc("wait.join", {**command, "key": key()})
        assert reply["ahead"] == ahead
    await db(lambda: Order.objects.update(expires_at=1))
    async with asyncio.timeout(1.5):
        offered = await clients[0].push(type="wait.offered")
    version = 0
    view = await clients[0].rpc("order.get", {"order": offered["order"]})
    assert (view["state"], view["version"]) == ("held", version)
    # The first passes by a command, the second is offered it at once.
    mine = (await clients[0].rpc("wait.mine"))["items"]
    await clients[0].rpc("wait.leave", {"key": key(), "wait": mine[0]["wait"]})
    await state(clients[0], "cancelled")
    second = await clients[1].push(type="wait.offered")
    assert second["order"] != offered["order"]
    for pushed in room.waiting(f"deals:{show.stream.pk}"):
        assert pushed["pub"]["data"]["type"] != "stock.back"
    for pushed in room.waiting(f"state:{show.stream.pk}"):
        for tick in pushed["pub"]["data"].values():
            assert tick["left"] in (0, 1) and not (tick["version"] > 2 and tick["in"])


@pytest.mark.parametrize("qty", [0, 1000])
async def test_nobody_waits_for_none_or_a_thousand(connect: Connect, qty: int) -> None:
    show = await db(open_show, left=0)
    me = await connect((await db(show.buyer)).pk)
    with pytest.raises(Refused) as error:
        await me.rpc("wait.join", {"key": key(), "offer": show.offer, "qty": qty})
    assert (error.value.name, error.value.data["path"]) == ("bad_request", "$.qty")
