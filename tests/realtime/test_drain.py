"""A process that is told to end: everybody hears of it, evenly, after their answers."""

import asyncio
import signal
import time

import pytest

from realtime.testing import Closed, LiveClient
from tests.live import Connect, Spawn
from tests.realtime.conftest import SQUARE
from tests.realtime.raw import RawSocket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]

WINDOW = 2.0


async def ended(client: LiveClient) -> tuple[Closed, float]:
    closed = await client.wait_closed()
    return closed, time.monotonic()


async def test_drain_tells_all_evenly_and_answers_what_was_asked(
    visit: Connect, spawn_server: Spawn
) -> None:
    server = spawn_server(
        SOUK_ROUTER=SQUARE, SOUK_SIGN_OUTS="", SOUK_DRAIN_SECONDS=str(WINDOW)
    )
    others = [await visit(n, to=server) for n in range(1, 21)]
    asking = await visit(30, to=server)
    wish = {"method": "wait.until", "data": {"bell": "drain"}}
    waits = await asking.ask("rpc", wish)
    assert await asking.command("ping", {}) == {}
    with RawSocket(server.url) as stranger:
        stranger.upgrade()
        server.process.send_signal(signal.SIGTERM)
        ends = [asyncio.create_task(ended(client)) for client in others]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        assert await asking.rpc("ring.bell", {"bell": "drain"}) is not None
        assert await asking.answer(waits)
        assert (await asking.wait_closed()).code == 3001
        told = await asyncio.gather(*ends)
        assert list(stranger.messages()) == [{"close": 1012}]
    assert {closed.code for closed, _ in told} == {3001}
    for client in others:
        pushed = (await client.control("disconnect"))["disconnect"]
        assert (pushed["code"], pushed["reconnect"]) == (3001, True)
    at = sorted(moment for _, moment in told)
    assert WINDOW / 2 < at[-1] - at[0] < WINDOW + 1
    assert at[10] - at[0] > WINDOW / 4 and at[-1] - at[10] > WINDOW / 4
    assert await asyncio.to_thread(server.reap) == 0


async def test_a_second_signal_does_not_wait(
    visit: Connect, spawn_server: Spawn
) -> None:
    server = spawn_server(
        SOUK_ROUTER=SQUARE, SOUK_SIGN_OUTS="", SOUK_DRAIN_SECONDS="60"
    )
    clients = [await visit(n, to=server) for n in range(1, 5)]
    server.process.send_signal(signal.SIGTERM)
    ends = [asyncio.create_task(ended(client)) for client in clients]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    server.process.send_signal(signal.SIGTERM)
    assert {closed.code for closed, _ in await asyncio.gather(*ends)} == {3001}
    assert await asyncio.to_thread(server.reap) == 0
