"""The queue of a stock row: batches, memory of an empty row, what a full one says."""

import asyncio
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce import teller as tellers_module
from commerce.actions import orders
from commerce.actions.deciding import Wish, prior
from commerce.commands.orders import OrderHeld
from commerce.errors import SOLD_OUT
from commerce.models import Order
from commerce.remembering import Refusals
from commerce.teller import TELLERS, Teller, Tellers
from realtime import db
from realtime.exceptions import BUSY, CommandError
from tests.commerce.conftest import Show, open_show
from tests.commerce.money_at_hand import receive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


async def ask(office: Tellers, wish: Wish) -> OrderHeld | CommandError:
    try:
        return await office.submit(wish)
    except CommandError as error:
        return error


async def test_everybody_in_the_queue_is_answered_in_turn(show: Show) -> None:
    office = Tellers()
    buyers = await db(show.buyers, 300)
    told = await asyncio.gather(*(ask(office, show.wish(buyer)) for buyer in buyers))
    assert [isinstance(answer, OrderHeld) for answer in told] == [True] * 10 + [
        False
    ] * 290
    assert await db(Order.objects.count) == 10


async def test_an_unknown_offer_is_not_found(show: Show) -> None:
    show.offer += 1000
    refused = await ask(Tellers(), show.wish(await db(show.buyer)))
    assert isinstance(refused, CommandError) and refused.name == "not_found"


async def test_an_empty_row_is_not_locked_again_at_once(
    transactional_db: None,
) -> None:
    show = await db(open_show, left=1)
    office = Tellers()
    first, second, third = await db(show.buyers, 3)
    wish = show.wish(first)
    held = await ask(office, wish)
    await office.submit(wish)
    counter = office._tellers[show.stock]
    assert counter.empty_until > 0
    counter.empty_until += 60
    # Units come back behind this process's back: it still believes the row is empty,
    await db(orders.expire, (await db(end_hold)), unasked=True)
    refused = await ask(office, show.wish(second))
    assert isinstance(refused, CommandError) and refused.name == "sold_out"
    # but never forgets who has won,
    assert await ask(office, wish) == held
    # and a release in this process is believed at once.
    office.changed([show.stock])
    assert isinstance(await ask(office, show.wish(third)), OrderHeld)


def end_hold() -> uuid.UUID:
    Order.objects.update(expires_at=1)
    return Order.objects.get().pk


async def test_due_holds_are_taken_back_before_a_row_is_called_empty(
    transactional_db: None,
) -> None:
    show = await db(open_show, left=1)
    office = Tellers()
    first, second = await db(show.buyers, 2)
    await ask(office, show.wish(first))
    await db(end_hold)
    office._tellers[show.stock].empty_until = 0
    assert isinstance(await ask(office, show.wish(second)), OrderHeld)


async def test_a_refusal_is_repeated_for_a_minute(show: Show) -> None:
    office = Tellers()
    wish = show.wish(await db(show.buyer), 11)
    first = await ask(office, wish)
    await db(receive, show, 20)
    again = await ask(office, wish)
    assert isinstance(again, CommandError) and isinstance(first, CommandError)
    assert (again.name, again.data) == (first.name, first.data)
    assert await db(lambda: show.left) == 30


async def test_a_full_queue_says_busy(show: Show) -> None:
    office = Tellers()
    office._waiting = tellers_module.QUEUE
    refused = await ask(office, show.wish(await db(show.buyer)))
    assert isinstance(refused, CommandError)
    assert (refused.name, refused.temporary) == ("busy", True)


async def test_so_many_empty_rows_are_remembered_and_the_first_is_forgotten(
    transactional_db: None,
) -> None:
    show = await db(open_show, left=1)
    office = Tellers()
    office._tellers = {-n: Teller(-n, office) for n in range(1, TELLERS + 1)}
    await office.submit(show.wish(await db(show.buyer)))
    assert len(office._tellers) == TELLERS
    assert show.stock in office._tellers and -1 not in office._tellers


async def test_one_who_stopped_waiting_does_not_stop_the_others(show: Show) -> None:
    office = Tellers()
    gone, stays = await db(show.buyers, 2)
    leaving = asyncio.ensure_future(office.submit(show.wish(gone)))
    staying = asyncio.ensure_future(office.submit(show.wish(stays)))
    await asyncio.sleep(0)
    leaving.cancel()
    assert isinstance(await staying, OrderHeld)
    assert leaving.cancelled()


def test_what_is_remembered_is_bounded_and_leaves_in_a_minute(show: Show) -> None:
    memory = Refusals()
    wish = show.wish(show.buyer())
    memory.keep(wish, BUSY())
    assert memory.of([wish]) == {}
    memory.keep(wish, SOLD_OUT(available=0))
    assert wish.name in memory.of([wish])


def test_a_sold_out_batch_costs_one_reading_without_a_lock(show: Show) -> None:
    wishes = [show.wish(buyer) for buyer in show.buyers(256)]
    with CaptureQueriesContext(connection) as queries:
        assert prior(wishes) == {}
    assert len(queries) == 1
