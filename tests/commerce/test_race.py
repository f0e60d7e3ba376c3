"""Two hundred buyers, ten units, real sockets; and what a careless shop would sell."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from django.db import connection, transaction

from accounts.models import User
from commerce.actions.deciding import decide
from commerce.audit import findings
from commerce.models import Order, Stock
from realtime import db
from realtime.router import Mutation
from realtime.testing import LiveClient, Refused
from tests.commerce.conftest import Show
from tests.live import Connect

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def body(command: Mutation) -> dict[str, Any]:
    """The command as a client writes it."""
    made: dict[str, Any] = msgspec.to_builtins(command)
    del made["type"]
    return made


async def place(client: LiveClient, wish: dict[str, Any]) -> str:
    """What the buyer was told, as text."""
    try:
        return json.dumps(await client.rpc("order.place", wish))
    except Refused as refused:
        return f"{refused.code} {refused.name} {json.dumps(refused.data)}"


async def arrive(connect: Connect, buyers: list[User]) -> list[LiveClient]:
    clients: list[LiveClient] = []
    for first in range(0, len(buyers), 25):
        some = buyers[first : first + 25]
        clients += await asyncio.gather(*(connect(buyer.pk) for buyer in some))
    return clients


async def test_200_buyers_for_10_units_make_exactly_10_holds(
    show: Show, connect: Connect
) -> None:
    buyers = await db(show.buyers, 200)
    clients = await arrive(connect, buyers)
    wishes = [body(show.order()) for _ in buyers]
    told = await asyncio.gather(*map(place, clients, wishes))
    held = [json.loads(answer) for answer in told if answer.startswith("{")]
    refused = [answer for answer in told if not answer.startswith("{")]
    assert len(held) == 10
    assert set(refused) == {'460 sold_out {"available": 0, "wait": true}'}
    stored = await db(lambda: {str(o.pk) for o in Order.objects.all()})
    assert {answer["order"] for answer in held} == stored
    again = await asyncio.gather(*map(place, clients, wishes))
    assert again == told
    assert await db(lambda: show.left) == 0


async def test_one_buyer_on_many_sockets_gets_one_order_for_one_key(
    show: Show, connect: Connect
) -> None:
    buyer = await db(show.buyer)
    clients = await arrive(connect, [buyer] * 8)
    wish = body(show.order())
    told = await asyncio.gather(*(place(client, wish) for client in clients))
    assert len(set(told)) == 1
    assert await db(Order.objects.count) == 1
    other = {**wish, "qty": 2, "expect": {"amount": 19800, "currency": "CNY"}}
    refused = '470 key_reused {"method": "order.place"}'
    assert await place(clients[0], other) == refused


def test_two_tellers_share_one_row_without_selling_a_unit_twice(show: Show) -> None:
    buyers = show.buyers(60)
    wishes = [show.wish(buyer) for buyer in buyers]
    start = threading.Barrier(6)

    def teller(n: int) -> int:
        try:
            start.wait(10)
            return len(decide(show.stock, wishes[n::6], {}).winners)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(teller, range(6)))
    assert sum(won) == 10
    assert show.left == 0


@pytest.mark.usefixtures("breaks_books")
def test_control_a_shop_that_reads_then_writes_sells_what_it_has_not(
    show: Show,
) -> None:
    """The same race without the row's lock: the counting above must notice."""
    wishes = [show.wish(buyer) for buyer in show.buyers(12)]
    both_have_read = threading.Barrier(2)

    def careless(half: list[Any]) -> None:
        try:
            left = Stock.objects.get(id=show.stock).available
            both_have_read.wait(10)
            with transaction.atomic():
                decide_without_lock(show, half)
                Stock.objects.filter(id=show.stock).update(available=left - len(half))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(careless, [wishes[:6], wishes[6:]]))
    assert Order.objects.count() == 12
    assert show.left == 4
    assert {finding.rule for finding in findings()} >= {"I2"}


def decide_without_lock(show: Show, wishes: list[Any]) -> None:
    for wish in wishes:
        order = Order.objects.create(
            shop_id=show.shop,
            buyer_id=wish.buyer,
            key=wish.command.key,
            digest=wish.digest,
            currency="CNY",
            goods=9900,
            placed_at=1,
            hold_until=1,
            via_kind="stream",
            via_id=show.stream.pk,
        )
        order.lines.create(
            offer_id=show.offer,
            sku_id=show.sku,
            stock_id=show.stock,
            qty=1,
            title="Cup",
            price=9900,
        )
