"""Orders between processes."""

import asyncio

import pytest
from django.db import transaction

from realtime import disconnect, disconnect_on_commit, unsubscribe
from realtime.broker import Broker
from realtime.channels import CONTROL
from realtime.control import Disconnect, Order, Unsubscribe, decode_order
from realtime.models import OutboxEvent


async def test_orders_reach_every_process_in_order_and_stay_in_history(
    node: Broker,
) -> None:
    heard: asyncio.Queue[Order] = asyncio.Queue(10)
    node.start(lambda _, p: heard.put_nowait(decode_order(p.data)), lambda: None)
    await node.subscribe([CONTROL.name])
    await unsubscribe(7, ["deals:1"], 2100)
    await disconnect(7, 4500)
    async with asyncio.timeout(5):
        assert await heard.get() == Unsubscribe(user=7, channels=["deals:1"], code=2100)
        assert await heard.get() == Disconnect(user=7, code=4500)
    assert len((await node.history(CONTROL.name, limit=9)).publications) == 2


@pytest.mark.django_db(transaction=True)
def test_an_order_given_in_a_transaction_leaves_with_it() -> None:
    with pytest.raises(KeyError), transaction.atomic():
        disconnect_on_commit(7, 4501)
        raise KeyError
    assert not OutboxEvent.objects.exists()
    with transaction.atomic():
        disconnect_on_commit(7, 4501)
    assert OutboxEvent.objects.get().channels == ["!control"]
