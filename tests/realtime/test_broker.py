"""Positions, history, latest values, and the link that comes back."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from redis import Redis

from realtime import CommandError, Position, Publication, publish
from realtime.broker import Broker
from realtime.publishing import made
from tests.realtime.rooms import Left, Rang


class Ear:
    """Collects what the broker hands over."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[str, Publication]] = asyncio.Queue(1000)
        self.relinked = asyncio.Event()

    def receive(self, name: str, publication: Publication) -> None:
        self.heard.put_nowait((name, publication))

    async def next(self) -> tuple[str, Publication]:
        async with asyncio.timeout(5):
            return await self.heard.get()


@pytest.fixture
async def ear(node: Broker) -> AsyncIterator[Ear]:
    listener = Ear()
    node.start(listener.receive, listener.relinked.set)
    yield listener


def times(publication: Publication) -> int:
    return int(msgspec.msgpack.decode(publication.data)["times"])


async def test_publications_arrive_in_order_with_their_positions(
    node: Broker, ear: Ear
) -> None:
    await node.subscribe(["deals:1"])
    positions = await asyncio.gather(
        *(publish("deals:1", Rang(times=n)) for n in range(300))
    )
    assert [p.offset for p in positions] == list(range(1, 301))
    for number in range(300):
        name, publication = await ear.next()
        assert name == "deals:1"
        assert (times(publication), publication.offset) == (number, number + 1)
        assert publication.epoch == positions[0].epoch


async def test_several_channels_get_one_event_each_its_own_position(
    node: Broker, ear: Ear
) -> None:
    await publish("#1", Rang(times=0))
    first, second = await publish(["#1", "#2"], Rang(times=1))
    assert (first.offset, second.offset) == (2, 1)


async def test_an_unknown_channel_cannot_be_published_to(node: Broker) -> None:
    with pytest.raises(CommandError):
        await publish("nosuch:1", Rang(times=1))


async def test_history_is_read_both_ways_and_trimmed_to_what_is_kept(
    node: Broker,
) -> None:
    for number in range(1, 6):
        await publish("staff:1", Rang(times=number))
    forward = await node.history("staff:1", since=3, limit=10)
    assert [times(p) for p in forward.publications] == [4, 5]
    assert forward.position.offset == 5
    newest = await node.history("staff:1", limit=10, reverse=True)
    assert [times(p) for p in newest.publications] == [5, 4, 3]
    assert (await node.history("staff:1")).publications == []


async def test_a_reader_of_an_empty_channel_can_recover_later(node: Broker) -> None:
    before = (await node.history("deals:9")).position
    position = await publish("deals:9", Rang(times=1))
    assert before == Position(0, position.epoch)


async def test_what_is_not_kept_has_no_offset_and_no_history(
    node: Broker, ear: Ear
) -> None:
    await node.subscribe(["deals:1"])
    assert await publish("deals:1", Rang(times=1), keep=False) == Position(0, "")
    _, publication = await ear.next()
    assert publication.offset == 0
    held = await node.history("deals:1", limit=10)
    assert (held.position.offset, held.publications) == (0, [])


async def test_an_outbox_row_sent_twice_reaches_nobody_twice(
    node: Broker, ear: Ear
) -> None:
    await node.subscribe(["#1"])
    row = made(Rang(times=1))
    first = await node.publish("#1", row, once=5)
    await publish("#1", Rang(times=2))
    assert await node.publish("#1", row, once=5) == first
    await publish("#1", Rang(times=3))
    assert [times((await ear.next())[1]) for _ in range(3)] == [1, 2, 3]


async def test_a_latest_value_is_never_replaced_by_an_older_one(
    node: Broker, ear: Ear
) -> None:
    await node.subscribe(["state:1"])
    for left, version in ((5, 10), (4, 11), (6, 9), (4, 11), (3, 12)):
        await publish("state:1", Left(offer=7, left=left, version=version))
    held = await node.latest("state:1")
    assert msgspec.msgpack.decode(held["stock:7"])["left"] == 3
    seen = [await ear.next() for _ in range(3)]
    assert [
        msgspec.msgpack.decode(publication.data)["stock:7"]["version"]
        for _, publication in seen
    ] == [10, 11, 12]
    assert ear.heard.empty()


async def test_a_latest_value_without_version_always_replaces(node: Broker) -> None:
    await publish("state:1", Left(offer=7, left=5))
    await publish("state:1", Left(offer=7, left=9))
    held = await node.latest("state:1")
    assert msgspec.msgpack.decode(held["stock:7"])["left"] == 9


async def test_a_state_channel_has_at_most_1024_keys(node: Broker) -> None:
    await asyncio.gather(
        *(publish("state:1", Left(offer=n, left=1)) for n in range(1024))
    )
    with pytest.raises(ValueError, match="keys"):
        await publish("state:1", Left(offer=5000, left=1))
    await publish("state:1", Left(offer=3, left=2))


async def test_a_cut_link_comes_back_with_all_its_channels(
    node: Broker, ear: Ear, admin: Redis
) -> None:
    await node.subscribe([f"deals:{n}" for n in range(600)])
    await publish("deals:5", Rang(times=1))
    await ear.next()
    assert admin.client_kill_filter(_type="pubsub") == 1
    await publish("deals:5", Rang(times=2))
    async with asyncio.timeout(3):
        await ear.relinked.wait()
    # What was missed is told by positions, and is in history.
    assert (await node.check(["deals:5"]))["deals:5"].offset == 2
    await publish("deals:599", Rang(times=3))
    assert (await ear.next())[0] == "deals:599"


async def test_a_silent_store_costs_the_link_after_two_seconds(
    node: Broker, ear: Ear, admin: Redis
) -> None:
    await node.subscribe(["deals:1"])
    admin.client_pause(3500)
    async with asyncio.timeout(8):
        await ear.relinked.wait()
    await publish("deals:1", Rang(times=1))
    assert times((await ear.next())[1]) == 1


async def test_after_a_flush_a_new_epoch_begins_at_one(
    node: Broker, ear: Ear, admin: Redis
) -> None:
    await node.subscribe(["deals:1"])
    before = await publish("deals:1", Rang(times=1))
    admin.flushall()
    after = await publish("deals:1", Rang(times=2))
    assert after.offset == 1
    assert after.epoch != before.epoch
    assert [
        times(p) for p in (await node.history("deals:1", limit=9)).publications
    ] == [2]


async def test_an_epoch_is_renewed_by_one_of_many(node: Broker) -> None:
    stale = (await publish("deals:1", Rang(times=1))).epoch
    epochs = await asyncio.gather(*(node.renew("deals:1", stale) for _ in range(5)))
    assert len(set(epochs)) == 1
    assert epochs[0] != stale
    assert await publish("deals:1", Rang(times=2)) == Position(2, epochs[0])


async def test_an_unsubscribed_channel_is_heard_no_more(node: Broker, ear: Ear) -> None:
    await node.subscribe(["deals:1", "deals:2"])
    await node.unsubscribe(["deals:1"])
    await publish("deals:1", Rang(times=1))
    await publish("deals:2", Rang(times=2))
    assert (await ear.next())[0] == "deals:2"
