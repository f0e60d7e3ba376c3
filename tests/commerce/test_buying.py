"""The whole way of a purchase over real sockets and real HTTP, bank and all."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings

from commerce.models import Order, Payment
from commerce.providers.bank import ledger
from realtime import db
from realtime.testing import LiveClient, Refused
from tests.commerce.conftest import PRICE, Show, key, open_show
from tests.commerce.test_race import body
from tests.live import Connect, Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def books(server: Server, settings: Settings) -> Iterator[None]:
    """The bank's books, opened from outside the server."""
    settings.SOUK_DATA = server.log.parent
    yield


async def hold(client: LiveClient, show: Show) -> str:
    held = await client.rpc("order.place", body(show.order()))
    return str(held["order"])


async def pay(client: LiveClient, order: str, version: int = 0) -> dict[str, Any]:
    return await client.rpc(
        "order.pay",
        {"key": key(), "order": order, "version": version, "method": "bank"},
    )


async def at_the_bank(server: Server, redirect: str, do: str = "pay") -> httpx.Response:
    """What the buyer does on the bank's page; where it sends them."""
    async with httpx.AsyncClient(base_url=server.url) as browser:
        page = await browser.get(redirect)
        assert page.status_code == 200
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token is not None
        form = {"csrfmiddlewaretoken": token[1], "do": do}
        return await browser.post(redirect, data=form)


async def state(client: LiveClient, wanted: str) -> dict[str, Any]:
    """The next `order.changed` to this state, but that of a new hold."""
    while True:
        event = await client.push(type="order.changed")
        if event["state"] == wanted and event["version"] > 0:
            return event


async def test_a_viewer_buys_and_the_room_hears_of_it(
    show: Show, connect: Connect, server: Server
) -> None:
    buyer, viewer = await db(show.buyers, 2)
    me, room = await connect(buyer.pk), await connect(viewer.pk)
    seen = await room.subscribe(f"deals:{show.stream.pk}")
    assert seen["data"]["shelf"]["items"][0]["offers"][0]["left"] == 10
    await room.subscribe(f"state:{show.stream.pk}")
    order = await hold(me, show)
    # The pulse may tell once more what was received before the hold.
    left = 10
    while left == 10:
        tick = await room.push(f"state:{show.stream.pk}")
        left = tick[f"stock:{show.offer}"]["left"]
    assert left == 9
    started = await pay(me, order)
    assert started["redirect"].startswith("/bank/pay/pi_")
    back = await at_the_bank(server, started["redirect"])
    assert (back.status_code, back.headers["location"]) == (302, f"/orders/{order}")
    paid = await state(me, "paid")
    assert paid["amount"] == PRICE
    assert (await me.push(type="payment.changed"))["state"] == "settled"
    sale = await room.push(type="sale.announced")
    assert sale == {
        "type": "sale.announced",
        "number": show.number,
        "names": ["小*"],
        "count": 1,
        "sold": 1,
    }
    view = await me.rpc("order.get", {"order": order})
    assert (view["state"], view["code"], view["amount"]) == ("paid", 2, PRICE)
    figures = await (await connect(show.host.pk)).rpc(
        "insight.stream", {"stream": show.stream.pk}
    )
    assert figures["figures"] == {
        "orders": 1,
        "units": 1,
        "gmv": {"CNY": PRICE},
        "holders": 1,
    }
    assert figures["items"][0]["left"] == 9


async def test_a_sale_is_announced_once(
    show: Show, connect: Connect, server: Server
) -> None:
    me = await connect((await db(show.buyer)).pk)
    await me.subscribe(f"deals:{show.stream.pk}")
    for _ in range(2):
        started = await pay(me, await hold(me, show))
        await at_the_bank(server, started["redirect"])
        await me.push(type="sale.announced")
    pushed = me.waiting(f"deals:{show.stream.pk}")
    assert not [p for p in pushed if p["pub"]["data"]["type"] == "sale.announced"]
    assert await db(Order.objects.filter(announced_at=None).count) == 0


async def test_the_same_key_pays_the_same_attempt(show: Show, connect: Connect) -> None:
    me = await connect((await db(show.buyer)).pk)
    order = await hold(me, show)
    command = {"key": key(), "order": order, "version": 0, "method": "bank"}
    first = await me.rpc("order.pay", command)
    assert await me.rpc("order.pay", command) == first
    assert await db(Payment.objects.count) == 1


async def test_paying_again_ends_the_attempt_before(
    show: Show, connect: Connect, server: Server, books: None
) -> None:
    me = await connect((await db(show.buyer)).pk)
    order = await hold(me, show)
    first = await pay(me, order)
    second = await pay(me, order, version=1)
    assert first["redirect"] != second["redirect"]
    assert second["expires_at"] == first["expires_at"]
    ended = await db(ledger.get, first["redirect"].rpartition("/")[2])
    assert ended is not None and ended.status == "canceled"
    await at_the_bank(server, second["redirect"])
    await state(me, "paid")


async def test_money_that_came_first_wins_over_paying_again(
    show: Show, connect: Connect, books: None
) -> None:
    me = await connect((await db(show.buyer)).pk)
    order = await hold(me, show)
    started = await pay(me, order)
    await db(ledger.move, started["redirect"].rpartition("/")[2], "succeeded")
    with pytest.raises(Refused) as refused:
        await pay(me, order, version=1)
    assert (refused.value.name, refused.value.data) == (
        "wrong_state",
        {"state": "paid"},
    )


async def test_lost_news_is_asked_for(
    show: Show, connect: Connect, books: None
) -> None:
    me = await connect((await db(show.buyer)).pk)
    started = await pay(me, await hold(me, show))
    await db(ledger.move, started["redirect"].rpartition("/")[2], "succeeded")
    await db(lambda: Payment.objects.update(check_at=1))
    await state(me, "paid")


async def test_a_declined_card_may_try_again(
    show: Show, connect: Connect, server: Server
) -> None:
    """S14. The hold keeps its time, and another card pays the same order."""
    me = await connect((await db(show.buyer)).pk)
    order = await hold(me, show)
    started = await pay(me, order)
    await at_the_bank(server, started["redirect"], "decline")
    version = (await state(me, "held"))["version"]
    started = await pay(me, order, version)
    await at_the_bank(server, started["redirect"])
    await state(me, "paid")


async def test_a_hold_comes_back_when_its_time_is_over(connect: Connect) -> None:
    show = await db(open_show, left=1)
    me, other = [await connect(b.pk) for b in await db(show.buyers, 2)]
    await other.subscribe(f"deals:{show.stream.pk}")
    order = await hold(me, show)
    await other.push(type="stock.out")
    with pytest.raises(Refused) as refused:
        await hold(other, show)
    assert refused.value.name == "sold_out"
    await db(lambda: Order.objects.update(expires_at=1))
    async with asyncio.timeout(1.5):
        assert (await state(me, "expired"))["order"] == order
    await other.push(type="stock.back")
    await hold(other, show)
    with pytest.raises(Refused) as refused:
        await pay(me, order, version=1)
    assert refused.value.name == "hold_expired"


async def test_an_expired_payment_is_cancelled_at_the_bank(
    show: Show, connect: Connect, server: Server, books: None
) -> None:
    me = await connect((await db(show.buyer)).pk)
    started = await pay(me, await hold(me, show))
    await db(lambda: Order.objects.update(expires_at=1))
    await state(me, "expired")
    ref = started["redirect"].rpartition("/")[2]
    ended = await db(ledger.get, ref)
    assert ended is not None and ended.status == "canceled"
    page = await asyncio.to_thread(httpx.get, f"{server.url}{started['redirect']}")
    assert "No longer payable" in page.text
    assert await db(lambda: show.left) == 10


async def test_a_buyer_cancels_and_another_gets_the_unit_at_once(
    connect: Connect,
) -> None:
    show = await db(open_show, left=1)
    me, other = [await connect(b.pk) for b in await db(show.buyers, 2)]
    order = await hold(me, show)
    with pytest.raises(Refused):
        await hold(other, show)
    command = {"key": key(), "order": order, "reason": "too blue"}
    assert await me.rpc("order.cancel", command) == {
        "state": "cancelled",
        "refund": None,
    }
    assert await me.rpc("order.cancel", command) == {
        "state": "cancelled",
        "refund": None,
    }
    await hold(other, show)


async def test_a_buyer_cancels_what_was_paid_and_the_bank_gives_it_back(
    show: Show, connect: Connect, server: Server, books: None
) -> None:
    me = await connect((await db(show.buyer)).pk)
    order = await hold(me, show)
    started = await pay(me, order)
    await at_the_bank(server, started["redirect"])
    await state(me, "paid")
    command = {"key": key(), "order": order, "reason": "too blue"}
    cancelled = await me.rpc("order.cancel", command)
    assert cancelled["state"] == "closed"
    told = await me.push(type="refund.changed")
    while told["state"] != "done":
        told = await me.push(type="refund.changed")
    assert (told["refund"], told["amount"]) == (cancelled["refund"], PRICE)
    ref = started["redirect"].rpartition("/")[2]
    backs = await db(ledger.refunds, ref)
    assert [(back.amount, back.status) for back in backs] == [(PRICE, "succeeded")]
    assert await me.rpc("order.cancel", command) == cancelled
    assert await db(lambda: show.left) == 10


async def test_a_cancel_sent_again_ends_no_newer_attempt(
    show: Show, connect: Connect, server: Server, books: None
) -> None:
    me = await connect((await db(show.buyer)).pk)
    order = await hold(me, show)
    started = await pay(me, order)
    command = {"key": key(), "order": order, "reason": ""}
    cancelled = await me.rpc("order.cancel", command)
    assert cancelled["state"] == "cancelled"
    ended = await db(ledger.get, started["redirect"].rpartition("/")[2])
    assert ended is not None and ended.status == "canceled"
    # The units are taken again, and paid for once more: as late money would do.
    await db(lambda: Order.objects.update(state="paying"))
    await db(lambda: Payment.objects.update(state="started"))
    assert await me.rpc("order.cancel", command) == cancelled
    assert await db(lambda: Payment.objects.get().state) == "started"
    await db(lambda: Order.objects.update(state="cancelled"))
    await db(lambda: Payment.objects.update(state="cancelled", check_at=None))


async def test_another_s_order_looks_like_none(show: Show, connect: Connect) -> None:
    me, other = [await connect(b.pk) for b in await db(show.buyers, 2)]
    order = await hold(me, show)
    unknown = "00000000-0000-4000-8000-000000000000"
    for method, more in (
        ("order.get", {}),
        ("order.pay", {"key": "k1", "version": 0, "method": "bank"}),
        ("order.cancel", {"key": "k2", "reason": ""}),
    ):
        told = []
        for which in (order, unknown):
            with pytest.raises(Refused) as refused:
                await other.rpc(method, {"order": which, **more})
            told.append(refused.value.args)
        assert told[0] == told[1] == (404, "not_found")
    assert (await other.rpc("order.mine"))["items"] == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"qty": 0}, "$.qty"),
        ({"qty": 1000}, "$.qty"),
        ({"qty": 1.5}, "$.qty"),
        ({"key": "a:b"}, "$.key"),
        ({"key": "k" * 65}, "$.key"),
        ({"expect": {"amount": 0.5, "currency": "CNY"}}, "$.expect.amount"),
        ({"expect": {"amount": 1, "currency": "yuan"}}, "$.expect.currency"),
        ({"colour": "red"}, "$"),
    ],
)
async def test_a_malformed_wish_is_refused_by_its_path(
    show: Show, connect: Connect, change: dict[str, Any], path: str
) -> None:
    me = await connect((await db(show.buyer)).pk)
    with pytest.raises(Refused) as refused:
        await me.rpc("order.place", {**body(show.order()), **change})
    assert refused.value.name == "bad_request"
    assert refused.value.data["path"] == path
    assert await db(Order.objects.count) == 0


async def test_only_who_is_signed_in_may_buy(show: Show, connect: Connect) -> None:
    nobody = await connect()
    with pytest.raises(Refused) as refused:
        await nobody.rpc("order.place", body(show.order()))
    assert refused.value.name == "unauthorized"
    shelf = await nobody.rpc("shelf.get", {"stream": show.stream.pk})
    assert shelf["items"][0]["title"] == "Cup"
