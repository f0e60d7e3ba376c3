"""Counts and who is online."""

import asyncio
import random
from typing import Any

import pytest
from redis import Redis

from realtime import Count, count, online
from realtime.broker import Broker
from realtime.embedded import Embedded
from realtime.presence import _count, report
from realtime.store import Store, store_key
from realtime.testing import LiveClient
from tests.live import Connect, Server, Spawn
from tests.realtime.conftest import SQUARE
from tests.realtime.raw import WAIT_SECONDS


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


@pytest.mark.parametrize("people", [1_000, 50_000])
async def test_an_audience_is_told_within_two_percent(live: Store, people: int) -> None:
    """Spread over three processes, many of them on two: HyperLogLog errs by 0.8 %."""
    users = [str(n) for n in random.Random(people).sample(range(10**9), people)]
    for nth in range(3):
        some = users[nth * people // 4 : (nth + 2) * people // 4]
        await _count("deals:1", f"process {nth}", len(some), some)
    assert abs((await count("deals:1")).users - people) <= people * 0.02


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
    client = await live.client("any")
    client.connection_pool.connection_kwargs["path"] += ".none"
    assert await online([7]) == set()
    assert await count("deals:1") == Count(0, 0)


async def stats(client: LiveClient, channel: str, wanted: dict[str, Any]) -> None:
    """Wait until it is told so; each process tells what it sees every two seconds."""
    told: dict[str, Any] = {}
    for _ in range(int(WAIT_SECONDS * 10)):
        told = await client.command("presence_stats", {"channel": channel})
        if told == wanted:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(told)


@pytest.mark.django_db(transaction=True)
async def test_who_was_on_a_killed_process_is_counted_no_more(
    visit: Connect, spawn_square: Server, site_store: Embedded
) -> None:
    channel = "deals:killed"
    here, there = await visit(1), [await visit(2, to=spawn_square) for _ in range(2)]
    for client in (here, *there):
        await client.subscribe(channel)
    await stats(here, channel, {"num_clients": 3, "num_users": 2})
    with Redis(unix_socket_path=str(site_store.socket)) as store:
        seen = store_key(channel, "p")
        spawn_square.kill()
        for process in store.hkeys(seen):  # fifteen seconds pass
            store.hincrby(seen, process, -16)
    await stats(here, channel, {"num_clients": 1, "num_users": 2})


@pytest.mark.django_db(transaction=True)
async def test_an_emptied_store_is_told_again_who_is_there(
    visit: Connect, spawn_server: Spawn, valkey: Embedded, admin: Redis
) -> None:
    quiet = {"SOUK_ROUTER": SQUARE, "SOUK_SIGN_OUTS": "", "REDIS_URL": valkey.url}
    forgetful = spawn_server(**quiet)
    clients = [await visit(to=forgetful) for _ in range(2)]
    for client in clients:
        await client.subscribe("deals:emptied")
    await stats(clients[0], "deals:emptied", {"num_clients": 2, "num_users": 2})
    admin.flushall()
    await stats(clients[0], "deals:emptied", {"num_clients": 2, "num_users": 2})
