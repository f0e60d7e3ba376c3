"""Orders carried out; and what is done about those that were lost."""

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import cast

import pytest
from pytest_django.fixtures import Settings

from realtime.control import Disconnect
from realtime.db import threads
from realtime.orders import Guest, Orders
from realtime.process import Process
from realtime.protocol import BANNED, SIGNED_OUT, Close
from realtime.publishing import encode
from realtime.recovery import Publication

TIMES = {7: 2, 8: 0}


def times(users: Collection[int]) -> dict[int, int]:
    return {user: TIMES[user] for user in users if user in TIMES}


class Sitting:
    """A guest who came in when its user had signed out so often."""

    def __init__(self, sign_outs: int) -> None:
        self.sign_outs = sign_outs
        self.ended: Close | None = None

    def close(self, close: Close) -> None:
        self.ended = close


@pytest.fixture
async def orders(settings: Settings) -> AsyncIterator[Orders]:
    settings.SOUK_SIGN_OUTS = f"{__name__}.times"
    yield Process().orders
    if (pool := threads.drop()) is not None:
        pool.close()


def sit(orders: Orders, user: int | None, sign_outs: int) -> Sitting:
    made = Sitting(sign_outs)
    orders._guests.setdefault(user, set()).add(cast(Guest, made))
    return made


async def test_who_signed_out_or_was_shut_out_since_is_found_and_ended(
    orders: Orders,
) -> None:
    stale, fresh = sit(orders, 7, 1), sit(orders, 7, 2)
    still, closed, stranger = sit(orders, 8, 0), sit(orders, 9, 0), sit(orders, None, 0)
    newer = sit(orders, 8, 1)  # signed out and in again while the answer was on its way
    await orders.look_again()
    assert (stale.ended, closed.ended) == (SIGNED_OUT, BANNED)
    assert [one.ended for one in (fresh, still, stranger, newer)] == [None] * 4


async def test_who_is_sent_off_while_connecting_is_remembered(orders: Orders) -> None:
    began = asyncio.get_running_loop().time()
    order = encode(Disconnect(user=7, code=4501))
    orders.hear(Publication(offset=1, epoch="e", data=order, flags=0, at=0))
    assert orders.sent_off(7, began) == SIGNED_OUT
    assert orders.sent_off(8, began) is None
    assert orders.sent_off(None, began) is None
    assert orders.sent_off(7, asyncio.get_running_loop().time() + 1) is None
