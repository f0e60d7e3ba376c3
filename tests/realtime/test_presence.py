"""Counts and who is online."""

import pytest

from realtime import Count, count, online
from realtime.broker import Broker
from realtime.embedded import Embedded
from realtime.presence import _count, report
from realtime.store import Store


async def test_connections_of_all_processes_add_up_and_users_count_once(
    live: Store,
) -> None:
    await _count("deals:1", "one", 3, ["1", "2", "3"])
    await _count("deals:1", "two", 2, ["3", "4"])
    assert await count("deals:1") == Count(5, 4)
    await _count("deals:1", "one", 0, ())
    assert await count("deals:1") == Count(2, 4)


async def test_more_users_than_a_call_s_stack_takes_are_counted(live: Store) -> None:
    seen = await report("deals:1", 20_000, (str(n) for n in range(20_000)))
    assert seen.clients == 20_000
    assert abs(seen.users - 20_000) < 400


async def test_a_process_unseen_for_fifteen_seconds_drops_out(live: Store) -> None:
    await _count("deals:1", "gone", 9, ())
    await live.call("HINCRBY", "souk:s:{deals:1}:p", "gone", -16)
    assert await count("deals:1") == Count(0, 0)


async def test_online_is_who_somebody_listens_for(node: Broker) -> None:
    node.start(lambda name, publication: None, lambda: None)
    await node.subscribe(["#7", "#9"])
    assert await online([7, 8, 9]) == {7, 9}
    assert await online([]) == set()


@pytest.mark.usefixtures("live")
async def test_reading_a_count_makes_no_key(live: Store) -> None:
    await count("deals:5")
    assert await live.call("DBSIZE") == 0


async def test_without_a_store_nobody_is_online_and_counts_are_zero(
    live: Store, valkey: Embedded
) -> None:
    live.client.connection_pool.connection_kwargs["path"] += ".none"
    assert await online([7]) == set()
    assert await count("deals:1") == Count(0, 0)
