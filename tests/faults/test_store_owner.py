"""Who started the store is killed, or three would start it at once."""

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis, RedisError

from tests.faults.crowd import Visit
from tests.faults.serving import Serving, ended

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]


async def test_store_owner_killed_leaves_no_orphan(
    tmp_path: Path, visit: Visit
) -> None:
    """Nor with a viewer inside, and ten seconds to see it off."""
    env = {"SOUK_DRAIN_SECONDS": "10"}
    with await asyncio.to_thread(Serving, tmp_path, web=1, **env) as serving:
        viewer = visit(serving.url, 1, "deals:owner")
        await viewer.come()
        children = serving.children()
        assert len(children) == 2  # a web process, and the store
        serving.process.kill()
        began = time.monotonic()
        assert await asyncio.to_thread(ended, set(children), 10.0)
        assert time.monotonic() - began < 1
        assert await viewer.over() == 1006


def test_store_owner_is_one_of_three_started_at_once(tmp_path: Path) -> None:
    with ExitStack() as running:
        three = [running.enter_context(Serving(tmp_path, web=0)) for _ in range(3)]
        first = answering(three[0], asked=3)
        (owner,) = (one for one in three if one.children())
        assert set(owner.children()) == {first}
        owner.process.kill()
        assert ended({first}, 10)
        others = [one for one in three if one is not owner]
        second = answering(others[0], asked=0)
        assert [set(one.children()) for one in others if one.children()] == [{second}]
        for one in others:
            one.process.terminate()
        assert [one.process.wait(30) for one in others] == [0, 0]


def answering(serving: Serving, asked: int) -> int:
    """The store's process, once so many but we have asked it whether it is there."""
    path = serving.store_url.removeprefix("unix://")
    end = time.monotonic() + 60
    with Redis(unix_socket_path=path) as client:
        while time.monotonic() < end:
            try:
                told = client.info()
            except (RedisError, OSError):
                told = {"total_connections_received": 0}
            if told["total_connections_received"] > asked:
                return int(told["process_id"])
            time.sleep(0.02)
    raise TimeoutError
