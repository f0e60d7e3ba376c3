"""The demo's viewers buy as everybody does: with an address, at the bank."""

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from commerce.models import Order, OrderChange, Shop
from config.demo import crowd, desk
from config.demo.guest import Guest
from config.demo.lines import HOME
from realtime import db
from tests.commerce.conftest import PRICE, open_show
from tests.commerce.fulfilling import FEES
from tests.live import Connect, Spawn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


async def test_a_viewer_of_the_demo_buys_what_is_explained(
    spawn_server: Spawn, connect: Connect, settings: Settings
) -> None:
    show = await db(open_show)
    await db(Shop.objects.update, shipping=FEES)
    await db(User.objects.create_user, "ann", name="Ann")
    server = spawn_server(SOUK_DEMO="1")
    settings.SOUK_URL = server.url
    host = await connect(show.host.pk, to=server)
    explain = {"key": "e", "stream": show.stream.pk, "number": show.number, "on": True}
    await host.rpc("shelf.explain", explain)
    await host.subscribe(f"deals:{show.stream.pk}")
    async with Guest("ann") as ann:
        await crowd.buy(ann, show.stream.pk)
        await crowd.buy(ann, show.stream.pk)
        assert len((await ann.ask("address.list"))["items"]) == 1
    assert (await host.push(type="sale.announced"))["number"] == show.number
    orders = await db(lambda: list(Order.objects.values_list("state", "amount")))
    assert orders == [("paid", PRICE + 800)] * 2


async def test_what_they_bought_is_packed_sent_and_unpacked(
    spawn_server: Spawn, connect: Connect, settings: Settings
) -> None:
    show = await db(open_show)
    await db(User.objects.create_user, "ann", name="Ann")
    server = spawn_server(SOUK_DEMO="1")
    settings.SOUK_URL = server.url
    host = await connect(show.host.pk, to=server)
    explain = {"key": "e", "stream": show.stream.pk, "number": show.number, "on": True}
    await host.rpc("shelf.explain", explain)
    staff = Guest("nobody")
    staff.live = host
    async with Guest("ann") as ann:
        await ann.do("address.save", name="Ann", **HOME)
        await crowd.buy(ann, show.stream.pk)
        await desk.pass_on(staff, show.shop)
        for _ in range(2):
            await db(OrderChange.objects.update, at=1)
            await desk.pass_on(staff, show.shop)
        await crowd.unpack(ann)
        await crowd.unpack(ann)
    order = await db(lambda: Order.objects.get())
    states = [
        c.state for c in await db(lambda: list(order.changes.order_by("version")))
    ]
    assert states == ["held", "paying", "paid", "packed", "shipped", "received"]
