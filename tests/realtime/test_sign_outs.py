"""How often users have signed out, asked for together."""

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from realtime import CommandError
from realtime.db import threads
from realtime.sign_outs import SignOuts

asked: list[set[int]] = []
TIMES = {7: 2, 8: 0}


def count(users: Collection[int]) -> dict[int, int]:
    asked.append(set(users))
    if 13 in users:
        raise OperationalError("the database is away")
    if 14 in users:
        raise OverflowError("a mistake")
    return {user: TIMES[user] for user in users if user in TIMES}


@pytest.fixture
async def book(settings: Settings) -> AsyncIterator[SignOuts]:
    settings.SOUK_SIGN_OUTS = f"{__name__}.count"
    asked.clear()
    yield SignOuts()
    if (pool := threads.drop()) is not None:
        pool.close()


async def test_many_who_return_at_once_share_a_query(book: SignOuts) -> None:
    told = await asyncio.gather(*(book.of(7 + n % 3) for n in range(300)))
    assert told == [2, 0, None] * 100
    assert asked == [{7, 8, 9}]


async def test_who_asks_during_a_query_is_answered_by_the_next(book: SignOuts) -> None:
    first = asyncio.create_task(book.of(7))
    while not asked:
        await asyncio.sleep(0)
    second = asyncio.create_task(book.of(7))
    assert [await first, await second] == [2, 2]
    assert asked == [{7}, {7}]


@pytest.mark.parametrize("user", [13, 14])
async def test_without_an_answer_nobody_is_let_in_and_may_try_again(
    book: SignOuts, user: int
) -> None:
    with pytest.raises(CommandError) as refused:
        await book.of(user)
    assert (refused.value.code, refused.value.temporary) == (108, True)
    assert await book.of(7) == 2
