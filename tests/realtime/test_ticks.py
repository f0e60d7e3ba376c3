"""Lanes that may lose: told with the tick, a fair part of them when it is too much."""

import asyncio
from collections.abc import AsyncIterator
from math import inf

import pytest

from realtime.controller import Setting
from realtime.hub import Hub
from tests.realtime.viewers import Viewer, turns
from tests.realtime.world import Store, namespace_of

COMMENTS = "comments:1"


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


async def watching(hub: Hub, *names: str) -> Viewer:
    made = Viewer(hub)
    for name in names:
        await made.join(name)
    return made


async def told(viewer: Viewer, count: int) -> None:
    async with asyncio.timeout(5):
        while len(viewer.told) < count:
            await asyncio.sleep(0.005)


async def test_a_quiet_room_waits_for_nothing_a_busy_one_for_the_tick(
    hub: Hub, store: Store
) -> None:
    one = await watching(hub, COMMENTS, "deals:1")
    store.publish(COMMENTS, 1)
    store.deliver()
    await turns()
    began = asyncio.get_running_loop().time()
    assert one.numbers == [1]
    for n in range(2, 6):
        store.publish(COMMENTS, n)
    for n in (100, 101):
        store.publish("deals:1", n)
        store.deliver()
        await turns()
    assert one.numbers == [1, 100, 101]  # a sale does not wait
    await told(one, 7)
    assert asyncio.get_running_loop().time() - began > 0.03
    assert one.numbers == [1, 100, 101, 2, 3, 4, 5]
    assert one.frames == 4


async def test_a_tick_tells_the_newest_of_a_key_once(hub: Hub, store: Store) -> None:
    one = await watching(hub, "state:1")
    for value in range(1, 9):
        store.set("state:1", "likes", value)
        store.deliver()
        await turns(3)
    async with asyncio.timeout(5):
        while one.state != {"likes": 8}:
            await asyncio.sleep(0.005)
    assert one.frames == 2  # the first at once, the rest with the tick


async def test_a_small_budget_tells_a_fair_part_and_how_many_it_hides(
    hub: Hub, store: Store
) -> None:
    one, other = await watching(hub, COMMENTS), await watching(hub, COMMENTS)
    channel = hub.channels[COMMENTS]
    channel.setting = Setting(tick_ms=50, budget=10)
    for n in range(1, 101):
        store.publish(COMMENTS, n, exempt=n % 50 == 0)
    store.deliver()
    await turns()
    assert one.numbers == other.numbers == sorted(one.numbers)
    assert {50, 100} <= set(one.numbers) and len(one.numbers) == 10 + 2
    assert one.hidden == other.hidden == 100 - 12
    late = await watching(hub, COMMENTS)
    assert late.told == []


async def test_a_flood_moves_the_tick_then_the_budget_and_is_forgotten_in_half_a_minute(
    hub: Hub, store: Store
) -> None:
    await watching(hub, COMMENTS, "deals:1")
    channel = hub.channels[COMMENTS]
    for _ in range(20):
        hub.steer(lag=0.2)
    assert channel.setting == Setting(tick_ms=250, budget=5)
    assert hub.channels["deals:1"].setting == Setting()
    for _ in range(30):
        hub.steer(lag=0.0)
    assert (channel.setting.tick_ms, channel.setting.budget) == (50, inf)


async def test_nothing_is_told_where_all_that_waited_is_lost(
    hub: Hub, store: Store
) -> None:
    gone = await watching(hub, "deals:1")
    store.publish("deals:1", 1)
    store.deliver()  # a pass is due
    channel = hub.channels["deals:1"]
    hub.lose(channel, store.position("deals:1"))
    new = await watching(hub, "deals:1")
    await turns()
    assert gone.sent_away == ["deals:1"]
    assert gone.frames == new.frames == 0
