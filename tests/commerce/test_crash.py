"""A process dies in the worst moments; the keys tell what was true."""

from typing import Any

import pytest

from commerce.models import Order
from realtime import db
from realtime.testing import Closed
from tests.commerce.conftest import Show
from tests.commerce.test_race import body
from tests.live import Connect, Server, Spawn

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.fault,
]


async def die(connect: Connect, to: Server, buyer: int, wish: dict[str, Any]) -> None:
    client = await connect(buyer, to=to)
    with pytest.raises(Closed):
        await client.rpc("order.place", wish)
    to.process.wait(10)
    to.kill()  # reaps it


async def test_a_hold_committed_before_a_kill_is_told_when_asked_again(
    show: Show, connect: Connect, spawn_server: Spawn
) -> None:
    doomed = spawn_server(SOUK_FAILPOINTS="orders.after_commit=kill@1")
    buyer, wish = (await db(show.buyer)).pk, body(show.order())
    await die(connect, doomed, buyer, wish)
    stored = await db(Order.objects.get)
    assert await db(lambda: show.left) == 9
    again = await (await connect(buyer)).rpc("order.place", wish)
    assert again["order"] == str(stored.pk)
    assert again["hold_until"] == stored.hold_until
    assert await db(lambda: show.left) == 9


async def test_a_kill_before_the_commit_leaves_nothing(
    show: Show, connect: Connect, spawn_server: Spawn
) -> None:
    doomed = spawn_server(SOUK_FAILPOINTS="orders.before_commit=kill@1")
    buyer, wish = (await db(show.buyer)).pk, body(show.order())
    await die(connect, doomed, buyer, wish)
    assert await db(Order.objects.count) == 0
    assert await db(lambda: show.left) == 10
    await (await connect(buyer)).rpc("order.place", wish)
    assert await db(lambda: show.left) == 9
