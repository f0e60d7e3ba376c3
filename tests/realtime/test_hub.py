"""The hub against a store in memory: joins, passes, holes, epochs, state."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from realtime import hub as hub_module
from realtime.healing import check, mend
from realtime.hub import Hub
from realtime.pump import SLICE
from realtime.recovery import Gap, Position, Publication, Recovered
from realtime.store import Unavailable
from tests.realtime.viewers import Reader, Viewer, member, turns
from tests.realtime.world import Store, namespace_of


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def hub(store: Store) -> AsyncIterator[Hub]:
    made = Hub(store, namespace_of)
    store.receive = made.receive
    yield made
    made.close()
    await turns()


async def viewer(hub: Hub, name: str, since: Position | None = None) -> Viewer:
    made = Viewer(hub)
    await made.join(name, since)
    return made


@contextmanager
def reader(hub: Hub) -> Iterator[Reader]:
    made = Reader(hub)
    try:
        yield made
    finally:
        made.end()


async def test_a_burst_leaves_as_one_frame(hub: Hub, store: Store) -> None:
    one = await viewer(hub, "deals:1")
    for n in range(5):
        store.publish("deals:1", n)
    store.deliver()
    await turns()
    assert one.numbers == [0, 1, 2, 3, 4]
    assert one.frames == 1


@pytest.mark.parametrize("name", ["deals:1", "comments:1", "#7"])
async def test_a_great_burst_leaves_as_frames_a_reader_can_take(
    hub: Hub, store: Store, name: str
) -> None:
    one = await viewer(hub, name)
    for n in range(10):
        store.publish(name, n, "x" * 30_000)
    store.deliver()
    await asyncio.sleep(0)
    late = await viewer(hub, name)
    await turns()
    assert one.numbers == list(range(10))
    assert one.frames == (10 if name == "#7" else 5)
    assert late.numbers == list(range(10 - len(late.told), 10))
    assert hub.channels[name].sent == 10


async def test_a_great_burst_at_the_end_of_an_epoch_is_told_whole(
    hub: Hub, store: Store
) -> None:
    one = await viewer(hub, "deals:1")
    for n in range(6):
        store.publish("deals:1", n, "x" * 30_000)
    store.flush("deals:1")
    store.publish("deals:1", 6)
    store.deliver()
    await turns()
    assert one.numbers == list(range(7))


async def test_who_joins_while_something_is_pending_gets_it_once(
    hub: Hub, store: Store
) -> None:
    first = await viewer(hub, "deals:1")
    store.publish("deals:1", 1)
    store.deliver()  # received, not yet told
    second = await viewer(hub, "deals:1")
    store.publish("deals:1", 2)
    store.deliver()
    await turns()
    assert first.numbers == [1, 2]
    assert second.numbers in ([1, 2], [2])
    offsets = [offset for offset, _ in second.told]
    assert offsets == list(range(offsets[0], offsets[0] + len(offsets)))


async def test_who_saw_more_than_was_told_here_is_not_told_again(
    hub: Hub, store: Store
) -> None:
    await viewer(hub, "deals:1")
    at = store.publish("deals:1", 1)
    store.deliver()
    back = await viewer(hub, "deals:1", at)  # it was told by another process
    with reader(hub) as behind_a_socket:
        await behind_a_socket.join("deals:1", at)
        for n in (2, 3):
            store.publish("deals:1", n)
            store.deliver()
            await turns()
        behind_a_socket.read()
        assert back.numbers == behind_a_socket.numbers == [2, 3]
        assert behind_a_socket.frames == 1 + 1


async def test_slots_of_those_who_left_are_not_given_away_under_a_pass(
    hub: Hub, store: Store
) -> None:
    crowd = [await viewer(hub, "deals:1") for _ in range(SLICE * 2)]
    store.publish("deals:1", 1)
    store.deliver()
    while not crowd[0].told:
        await asyncio.sleep(0)
    for one in crowd[:-5]:
        one.leave()
    late = [await viewer(hub, "deals:1") for _ in range(5)]
    await turns()
    assert all(one.numbers == [1] for one in crowd[-5:])
    assert all(one.numbers == [] for one in late)
    store.publish("deals:1", 2)
    store.deliver()
    await turns()
    assert [one.numbers for one in late] == [[2]] * 5
    (bucket,) = hub.channels["deals:1"].buckets.values()
    assert len(bucket.fds) == 10


async def test_who_is_behind_hears_in_order_and_is_written_to_again_when_it_has_read(
    hub: Hub, store: Store
) -> None:
    with reader(hub) as one:
        await one.join("deals:1")
        for n in range(20):
            store.publish("deals:1", n, "x" * 2500)
            store.deliver()
            await turns()
            if n == 10:
                one.take()  # the kernel has room, but older ones wait
        assert one.fd == -1
        one.read()
        assert one.numbers == list(range(20))
        (bucket,) = hub.channels["deals:1"].buckets.values()
        assert bucket.fds[0] == one.kernel.fileno() and not bucket.apart


async def test_a_descriptor_given_to_another_brings_it_nothing_of_the_one_before(
    hub: Hub, store: Store
) -> None:
    crowd = [await viewer(hub, "deals:1") for _ in range(SLICE)]
    with reader(hub) as leaves:
        await leaves.join("deals:1")
        store.publish("deals:1", 1)
        store.deliver()
        while not crowd[0].told:
            await asyncio.sleep(0)
        number = leaves.kernel.fileno()  # its slice is still to come
    with reader(hub) as comes:
        assert comes.kernel.fileno() == number
        await turns()
        comes.read()
        assert comes.frames == 0


async def test_a_broken_socket_ends_its_viewer_only(hub: Hub, store: Store) -> None:
    with reader(hub) as broken, reader(hub) as whole:
        await broken.join("deals:1")
        await whole.join("deals:1")
        broken.other.close()
        store.publish("deals:1", 1)
        store.deliver()
        await turns()
        whole.read()
        assert whole.numbers == [1]
        assert broken.aborted


async def test_an_epoch_that_ends_is_told_before_the_next_also_to_one_user(
    hub: Hub, store: Store
) -> None:
    one = await viewer(hub, "#7")
    hub.hold()
    store.publish("#7", 1)
    store.flush("#7")
    store.publish("#7", 2)
    store.deliver()
    hub.release()
    await turns()
    assert one.numbers == [1, 2]


async def test_who_reads_for_the_process_hears_the_end_of_an_epoch_too(
    hub: Hub, store: Store
) -> None:
    heard: list[bytes] = []

    class Ear:
        def hear(self, publication: Publication) -> None:
            heard.append(publication.data)

        def missed(self) -> None: ...

    hub.taps["deals:1"] = Ear()
    await hub.warm("deals:1")
    hub.hold()
    store.publish("deals:1", 1)
    store.flush("deals:1")
    store.publish("deals:1", 2)
    store.deliver()
    hub.release()
    assert len(heard) == 2


async def test_who_saw_more_than_was_received_here_makes_us_catch_up(
    hub: Hub, store: Store
) -> None:
    await viewer(hub, "deals:1")
    at = store.publish("deals:1", 1)  # still on the bus
    back = Viewer(hub)
    start = await back.join("deals:1", at)
    assert start.recovered == Recovered([])
    store.deliver()
    store.publish("deals:1", 2)
    store.deliver()
    await turns()
    assert back.numbers == [2]


async def test_a_slice_is_served_each_turn_and_who_left_in_between_is_not(
    hub: Hub, store: Store
) -> None:
    crowd = [await viewer(hub, "deals:1") for _ in range(SLICE + 10)]
    store.publish("deals:1", 1)
    store.deliver()
    await asyncio.sleep(0)
    while not crowd[0].told:
        await asyncio.sleep(0)
    assert not crowd[-1].told
    hub.leave(crowd[-1], "deals:1")
    hub.leave(crowd[-2], "deals:1")
    await crowd[-2].join("deals:1")
    with reader(hub) as late:
        await late.join("deals:1")
        await turns()
        late.read()
        assert late.told == []
    assert crowd[-1].told == []
    assert crowd[-2].told == []  # it joined after the pass began
    assert all(one.numbers == [1] for one in crowd[:-2])


async def test_an_urgent_pass_overtakes_a_crowd_of_comments(
    hub: Hub, store: Store
) -> None:
    crowd = [await viewer(hub, "comments:1") for _ in range(SLICE * 3)]
    buyer = await viewer(hub, "deals:1")
    store.publish("comments:1", 1)
    store.deliver()
    while not crowd[0].told:
        await asyncio.sleep(0)
    store.publish("deals:1", 2)
    store.deliver()
    while not buyer.told:
        await asyncio.sleep(0)
    assert not crowd[-1].told
    await turns()
    assert all(one.numbers == [1] for one in crowd)


async def test_a_hole_is_fetched_in_place(hub: Hub, store: Store) -> None:
    one = await viewer(hub, "deals:1")
    for n in range(3):
        store.publish("deals:1", n)
    store.drop()
    store.drop()
    store.deliver()
    await turns()
    assert one.numbers == [0, 1, 2]
    assert one.sent_away == []


async def test_a_hole_beyond_history_sends_the_viewer_away(
    hub: Hub, store: Store
) -> None:
    one = await viewer(hub, "deals:1")
    for n in range(12):
        store.publish("deals:1", n)
    for _ in range(11):
        store.drop()
    store.deliver()
    await turns()
    assert one.sent_away == ["deals:1"]
    again = await viewer(hub, "deals:1")
    store.publish("deals:1", 12)
    store.deliver()
    await turns()
    assert again.numbers == [12]


async def test_a_hole_while_the_store_is_away_sends_the_viewer_away(
    hub: Hub, store: Store
) -> None:
    one = await viewer(hub, "deals:1")
    for n in range(2):
        store.publish("deals:1", n)
    store.drop()
    store.is_away = True
    store.deliver()
    await turns()
    assert one.sent_away == ["deals:1"] and one.told == []


async def test_a_new_epoch_on_a_whole_link_is_adopted(hub: Hub, store: Store) -> None:
    one = await viewer(hub, "deals:1")
    old = store.publish("deals:1", 1)
    store.flush("deals:1")
    store.publish("deals:1", 2)
    store.deliver()
    await turns()
    assert one.told == [(1, 1), (1, 2)]
    back = Viewer(hub)
    assert (await back.join("deals:1", old)).recovered == Gap("epoch")


async def test_after_a_broken_link_what_was_missed_is_fetched(
    hub: Hub, store: Store
) -> None:
    one = await viewer(hub, "deals:1")
    store.cut()
    store.publish("deals:1", 1)
    store.is_cut = False
    await mend(hub, store)
    await turns()
    assert one.numbers == [1]


async def test_a_new_epoch_after_a_broken_link_sends_the_viewer_away(
    hub: Hub, store: Store
) -> None:
    one = await viewer(hub, "deals:1")
    store.publish("deals:1", 1)
    store.deliver()
    await turns()
    store.cut()
    store.flush("deals:1")
    store.is_cut = False
    await mend(hub, store)
    assert one.sent_away == ["deals:1"]


async def test_a_store_that_forgot_what_it_told_gets_a_new_epoch(
    hub: Hub, store: Store
) -> None:
    one = await viewer(hub, "deals:1")
    for n in range(3):
        store.publish("deals:1", n)
    store.deliver()
    await turns()
    store.offset["deals:1"] = 1  # a failover: the replica had less
    store.held["deals:1"] = store.held["deals:1"][:1]
    await check(hub, store)
    store.publish("deals:1", 9)
    store.deliver()
    await turns()
    assert one.numbers == [0, 1, 2, 9]
    assert store.position("deals:1").epoch == "e1"


async def test_state_comes_whole_and_the_newest_of_a_key_wins(
    hub: Hub, store: Store
) -> None:
    store.set("state:1", "likes", 1)
    one = await viewer(hub, "state:1")
    assert one.state == {"likes": 1}
    for n in range(2, 6):
        store.set("state:1", "likes", n)
    store.set("state:1", "left", 3)
    store.deliver()
    await turns()
    assert one.state == {"likes": 5, "left": 3}
    late = await viewer(hub, "state:1")
    assert late.state == {"likes": 5, "left": 3}


async def test_state_lost_on_a_broken_link_is_read_again_and_told(
    hub: Hub, store: Store
) -> None:
    one = await viewer(hub, "state:1")
    store.cut()
    store.set("state:1", "likes", 8)
    store.is_cut = False
    await mend(hub, store)
    await turns()
    assert one.state == {"likes": 8}


async def test_many_who_come_at_once_warm_a_channel_once(
    hub: Hub, store: Store
) -> None:
    await asyncio.gather(*(viewer(hub, "deals:1") for _ in range(20)))
    assert store.histories == 1


async def test_a_cold_channel_cannot_be_had_without_a_store_and_can_again_after(
    hub: Hub, store: Store
) -> None:
    store.is_away = True
    with pytest.raises(Unavailable):
        await viewer(hub, "deals:1")
    store.is_away = False
    one = await viewer(hub, "deals:1")
    store.publish("deals:1", 1)
    store.deliver()
    await turns()
    assert one.numbers == [1]


async def test_what_is_published_while_a_channel_warms_is_not_lost(
    hub: Hub, store: Store
) -> None:
    history = store.history

    async def slow(*args: object, **kwargs: object) -> object:
        held = await history(*args, **kwargs)  # type: ignore[arg-type] # passed on
        store.publish("deals:1", 1)
        store.deliver()
        return held

    store.history = slow  # type: ignore[assignment,method-assign] # published meanwhile
    one = Viewer(hub)
    start = await one.join("deals:1")
    await turns()
    assert one.told == [(1, 1)] or start.position.offset == 1


async def test_a_channel_nobody_is_left_on_cools(
    hub: Hub, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "COOL_SECONDS", 0.01)
    one = await viewer(hub, "deals:1")
    assert store.subscribed == {"deals:1"}
    hub.leave(one, "deals:1")
    async with asyncio.timeout(2):
        while store.subscribed:
            await asyncio.sleep(0.01)
    assert hub.channels == {}


async def test_a_personal_publication_is_written_as_it_arrives(
    hub: Hub, store: Store
) -> None:
    one = await viewer(hub, "#7")
    store.publish("#7", 1)
    store.deliver()
    assert one.numbers == [1]  # no turn of the loop in between


async def test_what_is_not_kept_has_no_offset_and_moves_no_position(
    hub: Hub, store: Store
) -> None:
    one = await viewer(hub, "comments:1")
    hub.receive("comments:1", Publication(0, "-", b"\x81\xa1n\x05", 2))
    await turns()
    assert one.told == [(0, 5)]
    assert hub.channels["comments:1"].position.offset == 0


async def test_what_is_told_while_a_room_is_asked_is_given_at_the_join(
    hub: Hub, store: Store
) -> None:
    channel = await hub.warm("deals:1")
    start = hub.begin(channel, None)
    store.publish("deals:1", 1)
    store.deliver()
    await viewer(hub, "deals:1")
    await turns()
    missed = hub.join(Viewer(hub), channel, member(Viewer(hub)), start.position)
    assert not isinstance(missed, Gap)
    assert [p.offset for p in missed] == [1]


async def test_more_told_while_a_room_is_asked_than_is_held_is_a_gap(
    hub: Hub, store: Store
) -> None:
    channel = await hub.warm("deals:1")
    start = hub.begin(channel, None)
    for n in range(9):
        store.publish("deals:1", n)
    store.deliver()
    await turns()
    late = Viewer(hub)
    assert hub.join(late, channel, member(late), start.position) == Gap("trimmed")
    assert late not in channel.members


async def test_a_value_that_comes_while_state_is_read_is_not_undone_by_what_was_read(
    hub: Hub, store: Store
) -> None:
    store.set("state:1", "likes", 1)
    latest = store.latest

    async def late(name: str) -> dict[str, bytes]:
        held = await latest(name)
        store.set("state:1", "likes", 2)
        store.deliver()
        return held

    store.latest = late  # type: ignore[method-assign] # a store of our own
    one = await viewer(hub, "state:1")
    assert one.state == {"likes": 2}


async def test_what_waits_for_its_tick_is_told_though_state_is_read_anew(
    hub: Hub, store: Store
) -> None:
    one = await viewer(hub, "state:1")
    for n in (1, 2):  # the first leaves at once, the second waits for the tick
        store.set("state:1", "likes", n)
        store.deliver()
        await turns()
    await hub.reload(hub.channels["state:1"])
    hub.channels["state:1"].load.since = 0.0
    store.set("state:1", "left", 3)
    store.deliver()
    async with asyncio.timeout(5):
        while one.state != {"likes": 2, "left": 3}:
            await asyncio.sleep(0.005)


async def test_an_older_version_never_replaces_a_newer_one(
    hub: Hub, store: Store
) -> None:
    one = await viewer(hub, "state:1")
    for n in (1, 2):
        store.set("state:1", "stock", {"version": n})
    await hub.reload(hub.channels["state:1"])  # the bus is slower
    await turns()
    assert one.state == {"stock": {"version": 2}}
    store.deliver(1)
    late = await viewer(hub, "state:1")
    assert late.state == {"stock": {"version": 2}}


async def test_a_hole_at_the_end_of_an_epoch_sends_the_viewer_away(
    hub: Hub, store: Store
) -> None:
    one = await viewer(hub, "deals:1")
    store.publish("deals:1", 1)
    store.drop()
    store.publish("deals:1", 2)
    store.flush("deals:1")
    store.publish("deals:1", 3)
    store.deliver(1)
    await turns()
    assert one.sent_away == ["deals:1"] and one.told == []
    again = await viewer(hub, "deals:1")
    store.deliver()
    store.publish("deals:1", 4)
    store.deliver()
    await turns()
    assert again.numbers == [4]
