"""One key, sent for a whole day."""

import signal

import msgspec
import pytest

from commerce.models import Order
from realtime import db
from realtime.testing import LiveClient, Refused
from tests.commerce.conftest import Show
from tests.commerce.test_race import body
from tests.live import Connect, Server, Spawn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

ROUTER = "tests.commerce.chaos.later.router"
HOURS = 24
EACH_HOUR = 21


async def placed(client: LiveClient, wish: dict[str, object]) -> bytes:
    return msgspec.json.encode(await client.rpc("order.place", wish))


async def state_of(order: str, client: LiveClient) -> str:
    return str((await client.rpc("order.get", {"order": order}))["state"])


async def test_one_key_a_thousand_times_in_a_day_is_one_order_and_one_answer(
    show: Show, connect: Connect, spawn_server: Spawn, alone: None
) -> None:
    """S6. Two servers, two sockets, 1,008 sendings; the hold expires in the first hour,
    and another body under the key is refused at its end as at its beginning.
    """
    servers: list[Server] = [spawn_server(SOUK_ROUTER=ROUTER) for _ in range(2)]
    buyer, wish = await db(show.buyer), body(show.order())
    other = {**wish, "qty": 2, "expect": {"amount": 19800, "currency": "CNY"}}
    clients = [await connect(buyer.pk, to=server) for server in servers]
    first = await placed(clients[0], wish)
    order = msgspec.json.decode(first)["order"]
    for hour in range(HOURS):
        for client in clients:
            for _ in range(EACH_HOUR):
                assert await placed(client, wish) == first
        with pytest.raises(Refused) as refused:
            await clients[hour % 2].rpc("order.place", other)
        assert (refused.value.name, refused.value.code) == ("key_reused", 470)
        for server in servers:
            server.process.send_signal(signal.SIGUSR1)
    assert await db(Order.objects.count) == 1
    while await state_of(order, clients[0]) != "expired":
        assert await placed(clients[1], wish) == first
    assert await db(lambda: show.left) == 10
