"""What a buyer keeps in a bag, and checking it out over the socket."""

import asyncio
from typing import Any

import pytest

from accounts.models import User
from commerce.actions import bags
from commerce.actions.bags import LINES
from commerce.commands.bags import BagView, PutInBag
from commerce.models import BagLine, Offer, Order
from realtime import db
from realtime.testing import Closed, LiveClient, Refused
from streams.models import Stream
from tests.commerce.conftest import PRICE, Show, key
from tests.commerce.goods_at_hand import Ware, put_out
from tests.commerce.test_shelf import act, refused
from tests.live import Connect, Spawn

pytestmark = pytest.mark.django_db(transaction=True)


def put(buyer: User, offer: int, qty: int) -> BagView:
    view: BagView = act(
        bags.put_in_bag, buyer, PutInBag(key=key(), offer=offer, qty=qty)
    )
    return view


@pytest.mark.both_databases
def test_a_bag_has_what_was_put_last(show: Show) -> None:
    buyer = show.buyer()
    bowl = put_out(show, left=3)
    assert bags.bag_view(buyer.pk) == BagView(lines=[], version=0)
    put(buyer, show.offer, 1)
    put(buyer, bowl.offer, 5)
    view = put(buyer, show.offer, 2)
    assert [(line.offer, line.qty, line.left) for line in view.lines] == [
        (show.offer, 2, 10),
        (bowl.offer, 5, 3),
    ]
    line = view.lines[0]
    assert (line.title, line.shop_name, line.prices) == (
        "Cup",
        "Cups & Co",
        {"CNY": PRICE},
    )
    assert (line.stream, line.open, view.version) == (show.stream.pk, True, 3)
    view = put(buyer, show.offer, 0)
    assert [line.offer for line in view.lines] == [bowl.offer]
    assert show.left == 10


def test_what_cannot_be_bought_any_more_stays_and_says_so(show: Show) -> None:
    buyer = show.buyer()
    bowl = put_out(show)
    put(buyer, show.offer, 1)
    put(buyer, bowl.offer, 1)
    Offer.objects.filter(id=show.offer).update(state="closed")
    assert [line.open for line in bags.bag_view(buyer.pk).lines] == [False, True]
    Stream.objects.update(visibility=Stream.Visibility.PRIVATE)
    assert [line.open for line in bags.bag_view(buyer.pk).lines] == [False, False]
    put(buyer, show.offer, 0)
    assert len(bags.bag_view(buyer.pk).lines) == 1


def test_only_what_is_on_sale_for_a_buyer_goes_into_a_bag(show: Show) -> None:
    def no(offer: int) -> str:
        command = PutInBag(key=key(), offer=offer, qty=1)
        return refused(bags.put_in_bag, show.buyer(), command)[0]

    assert no(10**6) == "not_found"
    Stream.objects.update(visibility=Stream.Visibility.PRIVATE)
    assert no(show.offer) == "not_found"
    Stream.objects.update(visibility=Stream.Visibility.PUBLIC)
    Offer.objects.update(state="closed")
    assert no(show.offer) == "offer_closed"
    assert BagLine.objects.count() == 0


def test_a_bag_has_fifty_lines_at_most(show: Show) -> None:
    buyer = show.buyer()
    bowl = put_out(show)
    first = Offer.objects.get(id=bowl.offer)
    closed = Offer.objects.bulk_create(
        Offer(
            stream_id=first.stream_id,
            item_id=first.item_id,
            sku_id=first.sku_id,
            stock_id=first.stock_id,
            state="closed",
        )
        for _ in range(LINES)
    )
    BagLine.objects.bulk_create(BagLine(user=buyer, offer=o, qty=1) for o in closed)
    command = PutInBag(key=key(), offer=show.offer, qty=1)
    assert refused(bags.put_in_bag, buyer, command)[1]["path"] == "$.offer"
    put(buyer, closed[0].pk, 0)
    put(buyer, show.offer, 1)


def body(show: Show, lines: dict[Ware, int], **more: Any) -> dict[str, Any]:
    """`bag.checkout` as a client writes it."""
    return {
        "key": key(),
        "shop": show.shop,
        "via": {"kind": "stream", "id": show.stream.pk},
        "lines": [
            {
                "offer": ware.offer,
                "qty": qty,
                "expect": {"amount": ware.price * qty, "currency": "CNY"},
            }
            for ware, qty in lines.items()
        ],
        **more,
    }


async def arrive(connect: Connect, show: Show) -> tuple[LiveClient, int]:
    buyer = await db(show.buyer)
    return await connect(buyer.pk), buyer.pk


@pytest.mark.both_databases
async def test_a_buyer_fills_a_bag_and_checks_it_out(
    show: Show, connect: Connect
) -> None:
    me, _ = await arrive(connect, show)
    bowl = await db(put_out, show)
    tea_set = await db(lambda: put_out(show, price=9, parts={bowl.sku: 2}))
    room = await connect((await db(show.buyer)).pk)
    await room.subscribe(f"state:{show.stream.pk}")
    for ware in (bowl, tea_set):
        await me.rpc("bag.put", {"key": key(), "offer": ware.offer, "qty": 2})
        assert (await me.push(type="bag.changed"))["version"] > 0
    wish = body(show, {bowl: 2, tea_set: 2})
    held = await me.rpc("bag.checkout", wish)
    assert [(line["qty"], line["price"]) for line in held["lines"]] == [
        (2, 1000),
        (2, 9),
        (4, 0),
    ]
    event = await me.push(type="bag.changed")
    assert (event["version"], event["lines"]) == (3, 0)
    assert (await me.push(type="order.changed"))["order"] == held["order"]
    # Sent again, the answer is the same, and nothing happens.
    assert await me.rpc("bag.checkout", wish) == held
    left = {bowl.offer: 10, tea_set.offer: 5}
    while left != {bowl.offer: 4, tea_set.offer: 2}:
        for tick in (await room.push(f"state:{show.stream.pk}")).values():
            if isinstance(tick, dict) and tick["offer"] in left:
                left[tick["offer"]] = tick["left"]
    view = await me.rpc("order.get", {"order": held["order"]})
    whole = view["lines"][1]
    assert [line["parent"] for line in view["lines"]] == [None, None, whole["line"]]


async def test_a_bundle_is_bought_at_once_like_anything(
    show: Show, connect: Connect
) -> None:
    me, _ = await arrive(connect, show)
    pair = await db(lambda: put_out(show, parts={show.sku: 2}))

    def wish(qty: int, **more: Any) -> dict[str, Any]:
        made = body(show, {pair: qty}, **more)
        return {**made.pop("lines")[0], **{k: made[k] for k in ("key", "via")}}

    first = wish(2)
    held = await me.rpc("order.place", first)
    assert await me.rpc("order.place", first) == held
    for _ in range(2):
        with pytest.raises(Refused) as error:
            await me.rpc("order.place", wish(4))
        assert (error.value.name, error.value.data) == (
            "sold_out",
            {"available": 3, "wait": True},
        )
    with pytest.raises(Refused) as error:
        await me.rpc("order.place", wish(1, key=first["key"]))
    assert error.value.data == {"method": "order.place"}
    assert await db(lambda: show.left) == 6


@pytest.mark.both_databases
async def test_bags_that_come_together_are_all_answered(
    show: Show, connect: Connect
) -> None:
    bowl = await db(lambda: put_out(show, left=6))
    cups = Ware(show.product, show.sku, show.number, show.offer, show.stock, PRICE)
    clients = [(await arrive(connect, show))[0] for _ in range(12)]

    async def check_out(client: LiveClient) -> str:
        try:
            return str((await client.rpc("bag.checkout", wishes[client]))["order"])
        except Refused as error:
            return error.name

    wishes = {client: body(show, {cups: 1, bowl: 1}) for client in clients}
    told = await asyncio.gather(*map(check_out, clients))
    assert told.count("sold_out") == 6
    orders = await db(lambda: {str(o.pk) for o in Order.objects.all()})
    assert {one for one in told if one != "sold_out"} == orders
    assert await asyncio.gather(*map(check_out, clients)) == told


@pytest.mark.parametrize(
    ("qty", "path"), [(0, "$.lines[0].qty"), (1000, "$.lines[0].qty")]
)
async def test_a_malformed_bag_is_refused_by_its_path(
    show: Show, connect: Connect, qty: int, path: str
) -> None:
    me, _ = await arrive(connect, show)
    cups = Ware(show.product, show.sku, show.number, show.offer, show.stock, PRICE)
    for wish, where in (
        (body(show, {cups: qty}), path),
        (body(show, {}), "$.lines"),
        (body(show, {cups: 1}, key="a:b"), "$.key"),
    ):
        with pytest.raises(Refused) as error:
            await me.rpc("bag.checkout", wish)
        assert (error.value.name, error.value.data["path"]) == ("bad_request", where)
    assert await db(Order.objects.count) == 0


async def test_nobody_who_is_not_signed_in_has_a_bag(connect: Connect) -> None:
    nobody = await connect()
    with pytest.raises(Refused) as error:
        await nobody.rpc("bag.get")
    assert error.value.name == "unauthorized"


@pytest.mark.fault
async def test_a_bag_committed_before_a_kill_is_told_when_asked_again(
    show: Show, connect: Connect, spawn_server: Spawn
) -> None:
    doomed = spawn_server(SOUK_FAILPOINTS="bags.after_commit=kill@1")
    buyer = (await db(show.buyer)).pk
    bowl = await db(put_out, show)
    await (await connect(buyer)).rpc(
        "bag.put", {"key": key(), "offer": bowl.offer, "qty": 2}
    )
    wish = body(show, {bowl: 2})
    client = await connect(buyer, to=doomed)
    with pytest.raises(Closed):
        await client.rpc("bag.checkout", wish)
    doomed.process.wait(10)
    doomed.kill()  # reaps it
    stored = await db(Order.objects.get)
    again = await (await connect(buyer)).rpc("bag.checkout", wish)
    assert again["order"] == str(stored.pk)
    assert await db(lambda: bowl.left) == 8
    assert await db(BagLine.objects.count) == 0
