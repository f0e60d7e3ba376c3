"""Unmodified centrifuge-js, from Node: connect, subscribe, rpc, lost and recovered."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from realtime import disconnect, publish, unsubscribe
from realtime.tokens import issue_ticket
from tests.live import Connect, Server
from tests.realtime.square import Told

ROOT = Path(__file__).resolve().parent.parent.parent
WAIT_SECONDS = 10.0

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        shutil.which("node") is None or not (ROOT / "node_modules" / "ws").exists(),
        reason="needs Node and `npm ci`",
    ),
]


class Sdk:
    """The SDK in a child process; `events` is all it has told."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.events: list[dict[str, Any]] = []

    async def next(self, event: str) -> dict[str, Any]:
        """Read until this event."""
        out = self._process.stdout
        assert out is not None
        async with asyncio.timeout(WAIT_SECONDS):
            while line := await out.readline():
                self.events.append(json.loads(line))
                if self.events[-1]["event"] == event:
                    return self.events[-1]
        raise AssertionError(f"it ended; events: {self.events}")

    def ask(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    async def end(self) -> None:
        self.ask("end")
        async with asyncio.timeout(WAIT_SECONDS):
            await self._process.communicate()

    def of(self, event: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["event"] == event]


@pytest.fixture
async def sdk(visit: Connect, square: Server) -> AsyncIterator[Sdk]:
    """Signed in as user 9, subscribed to `deals:js`."""
    address = square.url.replace("http", "ws") + "/connection/websocket"
    process = await asyncio.create_subprocess_exec(
        "node",
        "tests/conformance/sdk.mjs",
        address,
        await issue_ticket(9),
        "deals:js",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    made = Sdk(process)
    yield made
    await made.end()


async def tell(n: int) -> None:
    """To the room, and to the one."""
    await publish("deals:js", Told(n=n))
    await publish("#9", Told(n=n))


async def test_it_connects_subscribes_and_calls(sdk: Sdk) -> None:
    connected = await sdk.next("connected")
    assert connected["data"]["mail"] == {"letters": 3, "recovered": False}
    subscribed = await sdk.next("subscribed")
    assert subscribed["data"]["board"] == "board of js"
    assert sdk.of("server subscribed")[0]["channel"] == "#9"
    sdk.ask('rpc echo.say {"key": "k", "text": "hello"}')
    assert (await sdk.next("reply"))["data"] == {"text": "hello", "user": 9}
    sdk.ask("rpc refuse.me {}")
    refused = await sdk.next("refused")
    assert (refused["code"], refused["message"]) == (1901, 'closed_today {"until":9}')
    sdk.ask("rpc no.such {}")
    assert (await sdk.next("refused"))["code"] == 104


async def test_cut_off_ten_times_it_misses_nothing_and_repeats_nothing(
    sdk: Sdk,
) -> None:
    await sdk.next("subscribed")
    kinds = ("publication", "server publication")
    n = 0
    for _ in range(10):
        await tell(n)
        sdk.ask("cut")
        await tell(n + 1)
        n += 2
        back = await sdk.next("subscribed")
        assert back["recovered"] and back["wasRecovering"]
    await tell(n)
    n += 1
    for kind in kinds:
        while len(sdk.of(kind)) < n:
            await sdk.next(kind)
    for kind in kinds:
        told = sdk.of(kind)
        assert [e["data"]["n"] for e in told] == list(range(n))
        offsets = [e["offset"] for e in told]
        assert offsets == list(range(offsets[0], offsets[0] + n))
    assert not sdk.of("server unsubscribed")
    # Each return tries the used ticket, is told 109, and comes with the resume pass.
    assert sdk.of("token asked")


async def test_put_out_for_good_it_stays_out_and_put_out_to_return_it_returns(
    sdk: Sdk,
) -> None:
    await sdk.next("subscribed")
    await unsubscribe(9, ["deals:js"], 2500)
    assert (await sdk.next("subscribing"))["code"] == 2500
    assert (await sdk.next("subscribed"))["recovered"]
    await unsubscribe(9, ["deals:js"], 2100)
    assert (await sdk.next("unsubscribed"))["code"] == 2100


async def test_signed_out_it_stays_away_and_asked_to_return_it_returns(
    sdk: Sdk,
) -> None:
    await sdk.next("subscribed")
    await disconnect(9, 3011)
    assert (await sdk.next("connecting"))["code"] == 3011
    await sdk.next("subscribed")
    await disconnect(9, 4501)
    gone = await sdk.next("disconnected")
    assert (gone["code"], gone["reason"]) == (4501, "signed out")
