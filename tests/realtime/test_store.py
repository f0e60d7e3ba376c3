"""The link to the store: batches, scripts, and a store that is away."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from redis import Redis, ResponseError

from realtime import Script, Unavailable, store_key
from realtime.embedded import Embedded
from realtime.store import CALL_SECONDS, Store


def test_keys_of_one_script_share_their_hash_tag() -> None:
    assert store_key("deals:42", "h") == "souk:s:{deals:42}:h"
    assert store_key("u7", "b", "comment") == "souk:s:{u7}:b:comment"


async def test_calls_of_a_loop_turn_leave_in_order_and_one_pipeline(
    live: Store, admin: Redis
) -> None:
    await asyncio.gather(*(live.call("RPUSH", "list", n) for n in range(1000)))
    assert await live.call("LRANGE", "list", 0, -1) == [b"%d" % n for n in range(1000)]
    assert len(admin.client_list(_type="normal")) == 2  # ours and the admin's


async def test_a_script_runs_by_its_hash_and_comes_again_when_forgotten(
    live: Store, admin: Redis, tmp_path: Path
) -> None:
    (tmp_path / "push.lua").write_text("return redis.call('RPUSH', KEYS[1], ARGV[1])")
    push = Script(tmp_path / "push.lua")
    assert await push(["list"], [0]) == 1
    admin.script_flush()
    calls = [push(["list"], [n]) for n in range(1, 20)]
    assert await asyncio.gather(*calls) == list(range(2, 21))
    assert admin.lrange("list", 0, -1) == [b"%d" % n for n in range(20)]


async def test_one_call_s_mistake_is_its_own(live: Store) -> None:
    good, bad = live.call("SET", "a", 1), live.call("LPUSH", "a", 1)
    with pytest.raises(ResponseError):
        await bad
    assert await good


async def test_a_frozen_store_is_unavailable_after_two_seconds_and_then_back(
    live: Store, valkey: Embedded
) -> None:
    assert valkey.process is not None
    await live.call("SET", "a", 1)
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(CALL_SECONDS + 1):
            first = asyncio.ensure_future(live.call("GET", "a"))
            await asyncio.sleep(0.1)
            second = asyncio.ensure_future(live.call("GET", "a"))
            for call in (first, second):
                with pytest.raises(Unavailable):
                    await call
    finally:
        os.kill(valkey.process.pid, signal.SIGCONT)
    assert await live.call("GET", "a") == b"1"


async def test_no_store_at_all_is_unavailable_at_once(tmp_path: Path) -> None:
    link = Store(f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(Unavailable):
        await link.call("PING")
    await link.close()


async def test_a_full_store_is_unavailable_not_a_mistake(
    live: Store, admin: Redis
) -> None:
    admin.config_set("maxmemory-policy", "noeviction")
    admin.config_set("maxmemory", 1)
    try:
        with pytest.raises(Unavailable):
            await live.call("SET", "a", "b")
    finally:
        admin.config_set("maxmemory", "256mb")
        admin.config_set("maxmemory-policy", "volatile-ttl")
