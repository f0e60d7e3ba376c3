"""A server dies between its commit and what it would have told."""

import asyncio
import time
from typing import Any

import pytest
from django.db.models.functions import Now

from commerce.models import Order
from realtime import db
from realtime.models import OutboxEvent
from realtime.testing import Closed, LiveClient
from tests.commerce.conftest import Show
from tests.commerce.money_at_hand import hold, news, pay
from tests.commerce.test_race import body
from tests.live import Connect, Server, Spawn, suspended

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.fault,
]

SOON = 3.0 + 1.5
"""Two seconds until a row counts as late, one between sweeps; and a busy machine."""


async def watch(connect: Connect, show: Show) -> LiveClient:
    viewer = await connect(None)
    for channel in ("deals", "state"):
        await viewer.subscribe(f"{channel}:{show.stream.pk}")
    return viewer


async def has_died(server: Server) -> float:
    """When it did."""
    await asyncio.to_thread(server.process.wait, 10)
    server.kill()  # reaps it
    return time.monotonic()


async def all_told() -> None:
    async with asyncio.timeout(10):
        while await db(OutboxEvent.objects.filter(sent_at=None).exists):
            await asyncio.sleep(0.05)


def again(viewer: LiveClient, show: Show, type_: str) -> list[dict[str, Any]]:
    pushes = viewer.waiting(f"deals:{show.stream.pk}")
    return [p for p in pushes if p["pub"]["data"]["type"] == type_]


async def test_rooms_hear_that_all_is_sold_although_the_teller_died_of_it(
    show: Show, connect: Connect, spawn_server: Spawn
) -> None:
    """S22. Killed between commit and publish: another server tells edge and tick."""
    viewer = await watch(connect, show)
    doomed = spawn_server(SOUK_FAILPOINTS="orders.after_commit=kill@1")
    client = await connect((await db(show.buyer)).pk, to=doomed)
    with pytest.raises(Closed):
        await client.rpc("order.place", body(show.order(10)))
    died = await has_died(doomed)
    out = await viewer.push(f"deals:{show.stream.pk}", "stock.out")
    key, tick = f"stock:{show.offer}", {"left": 10}
    while tick["left"]:  # how many watch, and what was left before
        tick = (await viewer.push(f"state:{show.stream.pk}")).get(key, tick)
    assert time.monotonic() - died < SOON
    assert (tick["left"], tick["version"]) == (0, out["version"])
    await all_told()
    assert again(viewer, show, "stock.out") == []


@pytest.mark.parametrize("point", ["outbox.before_publish", "outbox.after_publish"])
async def test_a_sale_is_announced_once_although_its_announcer_died(
    show: Show, connect: Connect, spawn_server: Spawn, point: str
) -> None:
    """S22. Killed before it was published, or before that was written down."""
    viewer = await watch(connect, show)
    with suspended():
        order = await db(hold, show)
        assert await db(lambda: news(pay(order).ref or "")) == 200
        # What is left to be told is the announcement alone.
        await db(lambda: OutboxEvent.objects.update(sent_at=Now()))
        await has_died(spawn_server(SOUK_FAILPOINTS=f"{point}=kill@1"))
        assert (await db(Order.objects.get)).announced_at is not None
        assert await db(OutboxEvent.objects.filter(sent_at=None).count) == 1
    since = time.monotonic()
    told = await viewer.push(f"deals:{show.stream.pk}", "sale.announced")
    assert time.monotonic() - since < SOON
    assert told["sold"] == 1
    await all_told()
    assert again(viewer, show, "sale.announced") == []
