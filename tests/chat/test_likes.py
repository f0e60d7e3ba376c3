"""Likes: absolute per connection, exact in sum."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from accounts.models import User
from chat.actions.likes import BURST, PER_SECOND, LikeCounter, Taps, like_counter
from chat.commands.comments import SendLikes
from chat.models import LiveRoom
from realtime import CommandError, Connection, db
from realtime.broker import broker
from streams.models import Stream
from tests.chat.shows import a_stream
from tests.chat.world import a_user


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 200)), max_size=30))
def test_no_connection_is_credited_more_than_twenty_a_second(
    sent: list[tuple[float, int]],
) -> None:
    taps, now, most = Taps(0, 0, BURST, 0.0), 0.0, 0
    for pause, total in sent:
        now, most = now + pause, max(most, total)
        before = taps.credited
        worth = taps.credit(total, now)
        assert worth >= 0 and taps.credited == before + worth
        assert taps.credited <= min(most, BURST + now * PER_SECOND)
        assert taps.credit(total, now) == 0


def test_ten_a_second_are_credited_whole() -> None:
    taps = Taps(0, 0, BURST, 0.0)
    for second in range(1, 60):
        for _ in range(3):
            taps.credit(second * 10, float(second))
    assert taps.credited == 590


pytest_store = pytest.mark.usefixtures("loop_store")


@pytest.fixture
def show() -> Stream:
    return a_stream()


@pytest.fixture
def ann() -> User:
    return a_user("ann")


async def total(show: Stream) -> int | None:
    import msgspec

    held = await broker().latest(f"state:{show.pk}")
    if "likes" not in held:
        return None
    value: dict[str, Any] = msgspec.msgpack.decode(held["likes"])
    return int(value["total"])


def a_connection(user: User) -> Connection:
    return Connection("client", user.pk, "127.0.0.1")


@pytest_store
@pytest.mark.django_db(transaction=True)
async def test_repeated_and_falling_totals_add_nothing(ann: User, show: Stream) -> None:
    one, two = a_connection(ann), a_connection(ann)
    for connection, sent in ((one, 5), (one, 5), (one, 3), (two, 4), (one, 6)):
        await like_counter().like(connection, SendLikes(stream=show.pk, total=sent))
    await like_counter().add()
    assert await total(show) == 10
    reply = await like_counter().like(one, SendLikes(stream=show.pk, total=10**9))
    assert reply.liked <= BURST


@pytest_store
@pytest.mark.django_db(transaction=True)
async def test_the_sums_of_all_processes_are_one_total(ann: User, show: Stream) -> None:
    nodes = [LikeCounter() for _ in range(3)]
    for turn in range(1, 5):
        for node in nodes:
            for connection in (a_connection(ann), a_connection(ann)):
                await node.like(connection, SendLikes(stream=show.pk, total=turn))
        await asyncio.gather(*(node.add() for node in nodes))
    assert await total(show) == 3 * 2 * (1 + 2 + 3 + 4)


@pytest_store
@pytest.mark.django_db(transaction=True)
async def test_a_lost_store_costs_what_was_not_saved_and_counts_nothing_twice(
    ann: User, show: Stream, loop_store: Redis
) -> None:
    first, second = LikeCounter(), LikeCounter()
    here, there = a_connection(ann), a_connection(ann)
    await first.like(here, SendLikes(stream=show.pk, total=10))
    await first.add()
    await first.save()
    await second.like(there, SendLikes(stream=show.pk, total=7))
    await second.add()
    assert await total(show) == 17
    loop_store.flushall()
    await first.like(here, SendLikes(stream=show.pk, total=12))
    await first.add()
    assert await total(show) == 12  # the other's seven were neither saved nor heard
    await second.like(there, SendLikes(stream=show.pk, total=8))
    await second.add()
    assert await total(show) == 13


@pytest_store
@pytest.mark.django_db(transaction=True)
async def test_totals_are_saved_and_a_new_process_goes_on_from_there(
    ann: User, show: Stream, loop_store: Redis
) -> None:
    node = LikeCounter()
    await node.like(a_connection(ann), SendLikes(stream=show.pk, total=30))
    await node.add()
    await node.save()
    assert (await db(LiveRoom.objects.get)).likes == 30
    loop_store.flushall()
    from chat.room import rooms

    await rooms()[show.pk].fresh()
    late = LikeCounter()
    await late.like(a_connection(ann), SendLikes(stream=show.pk, total=1))
    await late.add()
    assert await total(show) == 31


@pytest_store
@pytest.mark.django_db(transaction=True)
async def test_a_stream_at_rest_is_forgotten_and_counted_on(
    ann: User, show: Stream
) -> None:
    node, connection = LikeCounter(), a_connection(ann)
    for sent in (3, 5):
        await node.like(connection, SendLikes(stream=show.pk, total=sent))
        await node.add()
        await node.save()
        await node.save()
        assert not node._tallies
    assert await total(show) == 5


@pytest_store
@pytest.mark.django_db(transaction=True)
async def test_an_ended_show_is_not_liked(ann: User) -> None:
    ended = await db(lambda: a_stream(state="ended"))
    with pytest.raises(CommandError) as caught:
        await like_counter().like(
            a_connection(ann), SendLikes(stream=ended.pk, total=1)
        )
    assert caught.value.name == "closed"


@pytest_store
@pytest.mark.django_db(transaction=True)
async def test_an_answer_that_was_lost_counts_nothing_twice(
    ann: User, show: Stream
) -> None:
    node = LikeCounter()
    await node.like(a_connection(ann), SendLikes(stream=show.pk, total=9))
    await node.add()
    node._tallies[show.pk].added = 0  # as if the store's answer had not come
    await node.add()
    assert node._tallies[show.pk].known == 9


@pytest_store
@pytest.mark.django_db(transaction=True)
async def test_a_process_that_saves_late_takes_nothing_back(
    ann: User, show: Stream
) -> None:
    early, late = LikeCounter(), LikeCounter()
    for node in (early, late):
        await node.like(a_connection(ann), SendLikes(stream=show.pk, total=5))
        await node.add()
    await late.save()
    await early.save()
    assert (await db(LiveRoom.objects.get)).likes == 10
