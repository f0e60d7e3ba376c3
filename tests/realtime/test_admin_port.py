"""What a process tells those who run it: how it is, and what it counted."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from realtime.admin_port import admin_port
from realtime.embedded import Embedded
from realtime.health import Health, Question
from realtime.store import Store
from realtime.testing import Refused
from tests.live import Connect, Server, Spawn, free_port
from tests.postgres import Cluster, cluster
from tests.realtime.conftest import SQUARE
from tests.realtime.inner import PATIENCE, Inner

pytestmark = pytest.mark.django_db(transaction=True)

Watched = Callable[..., tuple[Server, Inner]]


@pytest.fixture
def spawn_watched(spawn_server: Spawn) -> Watched:
    """A square of the test's own whose admin port is open."""

    def spawn(**env: str) -> tuple[Server, Inner]:
        port = free_port()
        own = {"SOUK_ROUTER": SQUARE, "SOUK_SIGN_OUTS": "", **env}
        return spawn_server(**own, SOUK_ADMIN_PORT=str(port)), Inner(port)

    return spawn


async def test_what_viewers_and_commands_do_is_counted(
    visit: Connect, inner: Inner
) -> None:
    before = await inner.metrics()
    host = await visit(7)
    viewers = [host, await visit(), await visit(codec="msgpack")]
    joined: dict[str, Any] = {}
    for viewer in viewers:
        for channel in ("deals:seen", "state:seen", "comments:seen"):
            reply = await viewer.subscribe(channel)
            joined = reply if channel == "deals:seen" else joined
    for channel in ("deals:seen", "comments:seen"):
        await host.rpc("tell.all", {"channel": channel, "first": 1})
    await host.rpc("price.set", {"channel": "state:seen", "item": "pen", "amount": 9})
    with pytest.raises(Refused):
        await host.rpc("refuse.me")
    for number in range(3):
        with pytest.raises(Refused):
            await host.rpc(f"made.up{number}")
    for viewer in viewers:
        for channel in ("deals:seen", "comments:seen", "state:seen"):
            await viewer.push(channel)
    position = {"epoch": joined["epoch"], "offset": joined.get("offset", 0)}
    for epoch in (position["epoch"], "another"):
        await viewers[2].unsubscribe("deals:seen")
        again = {**position, "recover": True, "epoch": epoch}
        await viewers[2].subscribe("deals:seen", **again)
    after = await inner.metrics()
    grown = {
        'souk_recoveries_total{ns="deals",result="recovered"}': 1,
        'souk_recoveries_total{ns="deals",result="epoch"}': 1,
        'souk_connects_total{result="ok"}': 3,
        'souk_publications_total{ns="deals"}': 1,
        'souk_deliveries_total{lane="reliable"}': 3,
        'souk_deliveries_total{lane="latest"}': 3,
        'souk_deliveries_total{lane="sampled"}': 3,
        'souk_pass_seconds_count{kind="urgent"}': 1,
        'souk_pass_seconds_count{kind="tick"}': 2,
        'souk_push_delay_seconds_count{lane="latest"}': 1,
        'souk_commands_total{code="0",method="tell.all"}': 2,
        'souk_commands_total{code="1901",method="refuse.me"}': 1,
        'souk_commands_total{code="104",method="rpc"}': 3,
        'souk_command_seconds_count{method="subscribe"}': 11,
    }
    assert {n: after.get(n, 0) - before.get(n, 0) for n in grown} == grown
    assert after["souk_sends_total"] - before.get("souk_sends_total", 0) > 9
    assert after["souk_bytes_total"] - before.get("souk_bytes_total", 0) > 1000
    await inner.until_equal({"souk_store_up": 1, "souk_outbox_unsent": 0})
    assert 0.05 <= after["souk_tick_seconds"] <= 0.25  # by how busy the machine is
    assert after["souk_budget"] > 0
    assert after['souk_connections{codec="msgpack",deflate="true"}'] >= 1
    assert after['souk_subscriptions{ns="state"}'] >= 3
    assert not [name for name in after if "made.up" in name or "seen" in name]
    await viewers[1].close()
    gone = 'souk_disconnects_total{code="gone"}'
    async with asyncio.timeout(PATIENCE):
        while (await inner.metrics()).get(gone, 0) <= after.get(gone, 0):
            await asyncio.sleep(0.02)


async def test_a_draining_process_lives_and_asks_for_no_more_work(
    visit: Connect, spawn_watched: Watched
) -> None:
    server, inner = spawn_watched(SOUK_DRAIN_SECONDS="60")
    clients = [await visit(n, to=server) for n in (1, 2)]
    await inner.until_ok()
    server.process.send_signal(signal.SIGTERM)
    await inner.until_trouble("draining")
    assert await inner.get("/healthz") == (200, "ok")
    server.process.send_signal(signal.SIGTERM)
    for client in clients:
        assert (await client.wait_closed()).code == 3001
    assert await asyncio.to_thread(server.reap) == 0


@pytest.fixture
def postgres() -> Iterator[Cluster]:
    """A database that may be stopped, with realtime's tables."""
    with cluster() as made:
        subprocess.run(
            [sys.executable, "-m", "config.cli", "migrate", "realtime", "-v0"],
            env={**os.environ, "DATABASE_URL": made.url, "SOUK_DEBUG": "1"},
            check=True,
        )
        yield made


@pytest.mark.fault
async def test_a_process_is_not_ready_while_the_store_or_the_database_is_away(
    spawn_watched: Watched, postgres: Cluster, tmp_path: Path
) -> None:
    with Embedded(tmp_path / "store") as mortal:
        _, inner = spawn_watched(REDIS_URL=mortal.url, DATABASE_URL=postgres.url)
        await inner.until_ok()
        await asyncio.to_thread(postgres.stop, "immediate")
        await inner.until_trouble("database")
        assert isnan((await inner.metrics())["souk_outbox_unsent"])
        await asyncio.to_thread(postgres.start)
        await inner.until_ok()
        assert mortal.process is not None
        mortal.process.kill()
        mortal.process.wait()
        await inner.until_trouble("store")
        assert (await inner.metrics())["souk_store_up"] == 0
        mortal.tend()
        await inner.until_ok()


async def nothing() -> None:
    """No gauges."""


async def test_a_port_that_is_taken_is_had_as_soon_as_it_is_free(
    caplog: pytest.LogCaptureFixture,
) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    async with admin_port(port, Health(), nothing), asyncio.timeout(PATIENCE):
        while "admin port" not in caplog.text:
            await asyncio.sleep(0)
        taken.close()
        await Inner(port).until_ok("/healthz")


async def test_what_is_no_page_is_404_and_garbage_is_closed(inner: Inner) -> None:
    assert (await inner.get("/etc/passwd"))[0] == 404
    reader, writer = await asyncio.open_connection("127.0.0.1", inner.port)
    writer.write(b"x" * 100_000)
    assert await reader.read() == b""
    writer.close()
    assert await inner.get("/healthz") == (200, "ok")


async def test_a_loop_that_stood_still_is_not_ready(live: Store) -> None:
    health, told = Health(), asyncio.Event()
    beating = asyncio.create_task(health.beat(lambda _: told.set()))
    await asyncio.sleep(0)  # it has looked at the clock
    time.sleep(1.3)  # as a handler that computes would
    await told.wait()
    assert health.lag >= 1
    assert "loop" in await health.trouble()
    beating.cancel()
    health.close()


async def test_a_question_that_hangs_is_not_asked_twice_for_a_while() -> None:
    asked = 0

    async def hang() -> str:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()
        return "never"

    question = Question(hang)
    assert await question() is await question() is None
    assert asked == 1
    question.close()
    hasty = Question(hang, again=0)
    assert await hasty() is await hasty() is None
    assert asked == 3
    hasty.close()
