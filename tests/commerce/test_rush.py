"""A rush on one row, through the tellers of one process: everybody gets an answer."""

import asyncio
import random
import time
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from commerce.actions.deciding import Wish, decide
from commerce.commands.orders import OrderHeld
from commerce.models import Order, Tally
from commerce.remembering import Holders
from commerce.teller import Tellers
from realtime import db
from realtime.exceptions import CommandError
from realtime.testing import Refused
from tests.commerce.conftest import Show, open_show
from tests.commerce.test_race import arrive, body
from tests.live import Connect

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

BUYERS, UNITS = 10_000, 100


async def told(office: Tellers, wish: Wish) -> OrderHeld | str:
    try:
        return await office.submit(wish)
    except CommandError as refused:
        return refused.name


async def test_10_000_buyers_for_100_units_are_all_answered(
    transactional_db: None,
) -> None:
    """S1. A second and a third click have keys of their own, or the first one's."""
    show = await db(open_show, left=UNITS, per_buyer=1)
    buyers = await db(show.buyers, BUYERS)
    office = Tellers()
    chance = random.Random(1)
    waits: list[float] = []

    async def clicks(buyer: User) -> list[tuple[Wish, OrderHeld | str]]:
        wishes = [show.wish(buyer) for _ in range(chance.choice([1, 1, 1, 2, 2, 3]))]
        if len(wishes) == 3:
            wishes[2] = wishes[0]
        began = time.monotonic()
        answers = await asyncio.gather(*(told(office, wish) for wish in wishes))
        waits.append(time.monotonic() - began)
        return list(zip(wishes, answers, strict=True))

    every = [pair for got in await asyncio.gather(*map(clicks, buyers)) for pair in got]
    print(f"{len(every)} clicks answered, the last after {max(waits):.2f} s")
    held = {wish.name: a for wish, a in every if isinstance(a, OrderHeld)}
    assert len(held) == len({buyer for buyer, _ in held}) == UNITS
    assert len(every) > BUYERS
    assert {answer for _, answer in every if isinstance(answer, str)} <= {
        "sold_out",
        "limit_reached",
    }
    # Who sent one key twice was told one thing.
    assert all(answer == held.get(wish.name, answer) for wish, answer in every)
    stored = await db(lambda: {str(pk) for pk in Order.objects.values_list("pk")})
    assert len(stored) == UNITS
    assert await db(lambda: show.left) == 0
    await asyncio.gather(*office._tasks)


async def test_a_buyer_on_20_sockets_stays_within_the_limit(
    transactional_db: None, connect: Connect
) -> None:
    """S7."""
    show = await db(open_show, per_buyer=2)
    buyer = await db(show.buyer)
    clients = await arrive(connect, [buyer] * 20)
    answers: Counter[str] = Counter()

    async def click(n: int) -> None:
        try:
            await clients[n].rpc("order.place", body(show.order()))
            answers["held"] += 1
        except Refused as refused:
            answers[refused.name] += 1

    # Ten at once: a buyer may place that many in a second, the others come after.
    await asyncio.gather(*map(click, range(10)))
    assert answers == {"held": 2, "limit_reached": 8}
    await asyncio.gather(*map(click, range(10, 20)))
    assert answers["held"] == 2
    assert await db(lambda: (show.left, Tally.objects.get().qty)) == (8, 2)


async def test_whoever_finds_a_row_empty_is_refused_without_a_query(
    transactional_db: None,
) -> None:
    """S31. Nobody who may have won is among them, though."""
    show = await db(open_show, left=1)
    winner, *others = await db(show.buyers, 257)
    office = Tellers()
    wish = show.wish(winner)
    held = await told(office, wish)
    office._tellers[show.stock].empty_until += 60
    at_once = [asyncio.ensure_future(told(office, show.wish(who))) for who in others]
    # One turn of the loop: a query would need its thread.
    await asyncio.sleep(0)
    assert [answer.result() for answer in at_once] == ["sold_out"] * 256
    assert await told(office, wish) == held


def test_who_holds_units_is_read_once_while_a_row_stays_empty(
    transactional_db: None,
) -> None:
    show = open_show(left=3)
    buyers = show.buyers(5)
    first = decide(show.stock, [show.wish(buyers[0], 2)], {})
    assert (first.available, first.holders) == (1, [])
    second = decide(show.stock, [show.wish(buyers[1])], {})
    assert [buyer for _, buyer in second.holders] == [buyers[0].pk, buyers[1].pk]
    seen = Holders()
    seen.add(second.holders)
    with CaptureQueriesContext(connection) as queries:
        third = decide(show.stock, [show.wish(buyers[2])], {}, seen.since)
    assert third.holders == []
    assert [buyer.pk in seen for buyer in buyers] == [True, True, False, False, False]
    assert len(queries) <= 10


def test_a_crowd_of_holders_is_not_remembered(show: Show) -> None:
    """Then everybody is looked up."""
    seen = Holders()
    seen.add([(n, n) for n in range(50_000)])
    assert -1 in seen
