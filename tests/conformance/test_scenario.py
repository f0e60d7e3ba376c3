"""Every client plays the one scenario; what they are told is equal in either codec."""

import asyncio
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from realtime import disconnect, publish, unsubscribe
from realtime.testing import Refused
from tests.browser.conftest import CHROMIUM
from tests.conformance.players import HERE, TROUPES, address
from tests.conformance.scenario import (
    CUTS,
    Cut,
    Do,
    Publish,
    PutOut,
    Refreshed,
    Step,
    scenario,
    told,
)
from tests.conformance.stage import Diary, Player, Wire, holds
from tests.live import Connect, Server
from tests.realtime.partners import token
from tests.realtime.raw import WAIT_SECONDS
from tests.realtime.square import Price, Told

pytestmark = pytest.mark.django_db(transaction=True)

REFRESHED = re.compile(rb"refresh.{2,4}client", re.DOTALL)
"""The reply, in either codec."""


def missing(troupe: str) -> str:
    """Why it cannot play here, or nothing."""
    modules = HERE.parents[1] / "node_modules"
    if troupe != "python" and not (shutil.which("node") and modules.exists()):
        return "needs Node and `npm ci`"
    if troupe == "chromium" and CHROMIUM is None:
        return "chromium is not installed"
    return ""


class Cast:
    """A player on a wire of its own, and the one who plays the server."""

    def __init__(self, player: Player, wire: Wire, diary: Diary, user: int) -> None:
        self.player, self.wire, self.diary, self.user = player, wire, diary, user

    async def perform(self, step: Step) -> None:
        since = len(self.diary.told)
        match step:
            case Do():
                await self._do(step)
            case Publish(channel=channel, n=int(n)):
                await publish(channel, Told(n=n))
            case Publish(channel=channel, tea=int(amount)):
                await publish(channel, Price(item="tea", amount=amount))
            case PutOut(code=code, channel=""):
                await disconnect(self.user, code)
            case PutOut(code=code, channel=channel):
                await unsubscribe(self.user, [channel], code)
            case Refreshed():
                await self.diary.has({"event": "token"}, 2)
                await self._seen(REFRESHED)
            case Cut(channels=channels):
                await self._cut(channels)
        for facts in getattr(step, "then", ()):
            await self.diary.has(facts, since=since)

    async def _do(self, step: Do) -> None:
        what = step.what
        if step.verb == "connect":
            what = {"tokens": [token(self.user, 1), token(self.user)]}
        async with asyncio.timeout(WAIT_SECONDS):
            if step.refused is None:
                answer = await self.player.call(step.verb, **what)
                while step.soon and not holds(answer, step.answer):
                    await asyncio.sleep(0.1)
                    answer = await self.player.call(step.verb, **what)
                assert holds(answer, step.answer), answer
            else:
                with pytest.raises(Refused) as refusal:
                    await self.player.call(step.verb, **what)
                code, name, facts = step.refused
                assert (refusal.value.code, refusal.value.name) == (code, name)
                assert holds(refusal.value.data, facts)
                assert refusal.value.temporary is False

    async def _seen(self, words: re.Pattern[bytes]) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not words.search(self.wire.seen):
                await asyncio.sleep(0.01)

    async def _cut(self, channels: tuple[str, ...]) -> None:
        n = 1
        for _ in range(CUTS):
            since = len(self.diary.told)
            for channel in channels:
                await publish(channel, Told(n=n))
            self.wire.cut()
            for channel in channels:
                await publish(channel, Told(n=n + 1))
            n += 2
            for channel in channels:
                back = {"event": "subscribed", "channel": channel, "recovered": True}
                await self.diary.has(back, since=since)
        for channel in channels:
            await self.diary.has(told(channel, n=n - 1))
            heard = self.diary.of({"event": "publication", "channel": channel})
            assert [event["data"]["n"] for event in heard] == list(range(n))
            offsets = [event["offset"] for event in heard]
            assert offsets == list(range(offsets[0], offsets[0] + n))
            assert not self.diary.of({"event": "unsubscribed", "channel": channel})


Enter = Callable[[str], Awaitable[dict[str, Cast]]]


@pytest.fixture
async def enter(visit: Connect, square: Server) -> AsyncIterator[Enter]:
    """`enter("node")`: all of a troupe, each somebody nobody was before."""
    at = urlsplit(square.url)
    async with AsyncExitStack() as stack:

        async def come(troupe: str) -> dict[str, Cast]:
            if why := missing(troupe):
                pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
            casts = {}
            for make, player_of in TROUPES[troupe].items():
                wire = Wire(at.hostname or "", at.port or 0)
                url = await wire.open()
                stack.push_async_callback(wire.close)
                diary = Diary()
                player = player_of(address(url), diary)
                await player.open()
                stack.push_async_callback(player.close)
                user = 10_000 + secrets.randbelow(10**9)
                casts[make] = Cast(player, wire, diary, user)
            return casts

        yield come


@pytest.mark.parametrize("troupe", TROUPES)
async def test_unmodified_clients_play_the_scenario(enter: Enter, troupe: str) -> None:
    async def play(make: str, cast: Cast) -> None:
        for step in scenario(cast.user, make):
            try:
                await cast.perform(step)
            except Exception as error:
                error.add_note(f"{make}: {step}")
                raise
        # A new socket tries the token it has: nobody was asked for one in vain.
        assert len(cast.diary.of({"event": "token"})) == 2, make

    async with asyncio.TaskGroup() as stage:
        for make, cast in (await enter(troupe)).items():
            stage.create_task(play(make, cast))


async def test_viewers_of_either_codec_are_told_the_same(enter: Enter) -> None:
    lanes = ["deals:equal", "state:equal", "comments:equal"]
    casts: dict[str, Cast] = {}
    for troupe in ("python", "node"):
        casts |= {} if missing(troupe) else await enter(troupe)
    for cast in casts.values():
        await cast.perform(Do("connect", then=({"event": "connected"},)))
        for channel in lanes:
            there = {"event": "subscribed", "channel": channel}
            await cast.perform(Do("subscribe", {"channel": channel}, then=(there,)))
    for n in range(20):
        await publish(["deals:equal", "comments:equal"], Told(n=n * 2**40))
        await publish("state:equal", Price(item=f"茶 {n}", amount=-n))
    await publish("comments:equal", Told(n=20), exempt=True)  # never shed
    heard: dict[str, Any] = {}
    for make, cast in casts.items():
        await cast.diary.has(told("deals:equal", n=19 * 2**40))
        await cast.diary.has(told("comments:equal", n=20))
        await cast.diary.has(told("state:equal", **{"price:茶 19": {"amount": -19}}))
        lane = {"event": "publication"}
        # Where there is no offset one SDK says 0, another nothing.
        heard[make] = [
            [(event["data"], event.get("offset") or 0) for event in found]
            for found in (cast.diary.of(lane | {"channel": name}) for name in lanes)
        ]
    first = heard["websockets-msgpack"]
    assert {make: told for make, told in heard.items() if told != first} == {}
