"""A slow or exhausted database: quick queries pass, the rest are told, none hangs."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from realtime.db import WAITING
from tests.faults import ROOMS
from tests.faults.crowd import Refused, Viewer, Visit, told
from tests.faults.link import Link
from tests.live import Server, Spawn

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True),
    pytest.mark.fault,
]

BUSY, UNAVAILABLE = 483, 108


@pytest.fixture
async def holder(rooms: Server, visit: Visit) -> AsyncIterator[Viewer]:
    """Who lets go of everything at the end."""
    made = visit(rooms.url, 1)
    await made.come()
    await made.reply("hold.on")
    yield made
    await made.reply("let.go")


async def test_db_slow_holds_up_nobody_else(
    rooms: Server, visit: Visit, holder: Viewer
) -> None:
    """A query that does not end, and meanwhile quick ones and comments."""
    quick = visit(rooms.url, 2, "deals:slow")
    await quick.come()
    long = holder.rpc("query.rows", held=True)
    took = []
    for n in range(20):
        began = time.monotonic()
        await quick.reply("query.rows")
        took.append(time.monotonic() - began)
        await quick.reply("tell.all", channel="deals:slow", first=n)
    print(f"quick queries beside a slow one: {max(took) * 1000:.0f} ms at most")
    await told([quick], "deals:slow", 20)
    assert quick.told["deals:slow"] == list(range(20))
    await holder.reply("let.go")
    # Answered; or, on a slow machine, told after four seconds that it is still at it.
    await asyncio.wait([long])


@pytest.mark.skipif(
    settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"),
    reason="SQLite has no network",
)
async def test_db_slow_by_its_network_is_told_or_waited_for(
    rooms: Server, spawn_server: Spawn, visit: Visit, seed: int
) -> None:
    """200 ms on the way of each answer: comments flow, each letter is posted once."""
    given = connection.settings_dict
    path = f"{given['HOST']}/.s.PGSQL.{given['PORT'] or 5432}"
    reader = visit(rooms.url, 1, "deals:far")
    await reader.come()
    with Link(path, seed) as link:
        url = f"postgresql://{given['USER']}@127.0.0.1:{link.port}/{given['NAME']}"
        server = spawn_server(**ROOMS, DATABASE_URL=url)
        writers = [visit(server.url, n, "deals:near") for n in range(2, 14)]
        await asyncio.gather(*(writer.come() for writer in writers))
        link.down.delay = 0.2
        sent = [post(writer, n) for n, writer in enumerate(writers)]
        await writers[0].reply("tell.all", channel="deals:near", first=0, count=5)
        await told(writers, "deals:near", 5)
        answers = await asyncio.gather(*sent, return_exceptions=True)
        refused = [error for error in answers if isinstance(error, BaseException)]
        assert {code(error) for error in refused} <= {BUSY, UNAVAILABLE}
        link.heal()
        again = [await post(writer, n) for n, writer in enumerate(writers)]
        assert [reply["data"]["n"] for reply in again] == list(range(len(writers)))
        await told([reader], "deals:far", len(writers))
        assert await asyncio.to_thread(server.stop) == 0
    assert sorted(reader.told["deals:far"]) == list(range(len(writers)))


def post(writer: Viewer, n: int) -> "asyncio.Future[dict[str, Any]]":
    return writer.rpc("post.letter", key=f"far-{n}", channel="deals:far", n=n)


async def test_db_pool_held_is_told_as_busy_or_unavailable(
    rooms: Server, visit: Visit, holder: Viewer
) -> None:
    """Every thread is held for longer than anybody waits."""
    holders = [visit(rooms.url, n) for n in range(1, 9)]
    askers = [visit(rooms.url, n, "deals:pool") for n in range(10, 50)]
    await asyncio.gather(*(viewer.come() for viewer in (*holders, *askers)))
    held = [viewer.rpc("query.rows", held=True) for viewer in holders]
    asks = [viewer.rpc("query.rows") for viewer in askers]
    await askers[0].reply("tell.all", channel="deals:pool", first=0)
    # While nothing is let go: a thread that is free again would answer.
    answers = await asyncio.gather(*asks, *held, return_exceptions=True)
    assert {code(error) for error in answers} <= {BUSY, UNAVAILABLE}
    await told(askers, "deals:pool", 1)
    await holder.reply("let.go")
    await until_answered(askers[0])


async def until_answered(viewer: Viewer) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await viewer.reply("query.rows")
                return
            except Refused:
                await asyncio.sleep(0.05)


async def test_db_pool_queue_is_bounded(
    rooms: Server, visit: Visit, holder: Viewer
) -> None:
    """Three hundred at once: those beyond who may wait are told to come back."""
    viewers = [visit(rooms.url, n) for n in range(1, 301)]
    await asyncio.gather(*(viewer.come() for viewer in viewers))
    held = [viewer.rpc("query.rows", held=True) for viewer in viewers[:8]]
    asks = [viewer.rpc("query.rows") for viewer in viewers[8:]]
    # More than may wait: told so while all the others still do.
    async with asyncio.timeout(30):
        while sum(ask.done() for ask in asks) < len(asks) - WAITING:
            await asyncio.sleep(0.01)
    refused = {code(ask.exception()) for ask in asks if ask.done()}
    assert refused == {BUSY}
    await holder.reply("let.go")
    await asyncio.gather(*asks, *held, return_exceptions=True)


def code(error: Any) -> int:
    assert isinstance(error, Refused), error
    return error.code
