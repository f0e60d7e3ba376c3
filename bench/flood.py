"""A great room in a flood: is the price on time, and are commands answered?

    python -m bench.flood [--viewers 10000] [--comments 1000] [--seconds 30]

All viewers are on a reliable channel, on which a price is published each second, and on
a sampled one, into which comments are published as fast as asked. Measuring begins when
the room had `--settle` seconds to find its tick and budget. Three witnesses read their
comments; one viewer, who is on the reliable channel only, asks something twenty times a
second. The last line is JSON, delays in ms; *reliable* is until the last of all viewers
has it. null: not measured.
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import django
import msgspec
from django.conf import settings
from django.core.management import call_command
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench.machine import compiled, prepare

CHANGED = {"DJANGO_SETTINGS_MODULE": "bench.settings", "SOUK_DEBUG": "1"}
HELLO = (
    '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"comments:1"}}\n'
    '{"id":3,"subscribe":{"channel":"deals:1"}}'
)
QUIET = '{"id":1,"connect":{}}\n{"id":3,"subscribe":{"channel":"deals:1"}}'
SPARE = 200
"""Descriptors that are for other things than viewers."""
IN_SERVER = 0.8
"""The part of a process's descriptors that the door lets sockets take."""
BURSTS, ASKS = 50, 20
"""A second."""
WITNESSES = 3
TICK_MAX_MS = 250
TEXT = "is the blue one still there in size M? the last show was so good ~"


class Witness:
    """A viewer that notes how late what it is told was."""

    def __init__(self) -> None:
        self.comments: list[float] = []
        self.hidden = 0
        self.replies: list[float] = []

    async def watch(self, url: str, hello: str) -> None:
        self.socket: ClientConnection = await connect(url, proxy=None, compression=None)
        await self.socket.send(hello)
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for frame in self.socket:
                now = time.monotonic()
                for line in str(frame).split("\n"):
                    await self._take(msgspec.json.decode(line), now)
        except ConnectionClosed:
            pass

    async def _take(self, message: dict[str, Any], now: float) -> None:
        if not message:
            await self.socket.send("{}")
        elif "rpc" in message:
            self.replies.append(now - message["rpc"]["data"]["at"])
        elif "push" in message:
            data = message["push"]["pub"]["data"]
            if data.get("type") == "comment.said":
                self.comments.append(now - data["at"])
            elif data.get("type") == "lane.skipped":
                self.hidden += data["count"]

    async def ask(self, asks: int) -> None:
        began = time.monotonic()
        for number in range(asks):
            due = began + number / ASKS
            await asyncio.sleep(due - time.monotonic())
            call = {"method": "bench.echo", "data": {"at": due}}
            await self.socket.send(json.dumps({"id": number + 10, "rpc": call}))


async def comments(per_second: int, seconds: float) -> int:
    """Publish so many, in bursts; how many were."""
    from bench.rooms import Said
    from realtime import publish

    began, size, sent = time.monotonic(), max(per_second // BURSTS, 1), 0
    for burst in range(round(seconds * BURSTS)):
        due = began + burst / BURSTS
        await asyncio.sleep(due - time.monotonic())
        told = [Said(n=sent + n, at=due, text=TEXT) for n in range(size)]
        await asyncio.gather(*(publish("comments:1", each) for each in told))
        sent += size
    return sent


async def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from bench.peers.servers import Souk
    from bench.rounds import WARM_UP, measure, paced
    from realtime.embedded import Embedded
    from realtime.store import store

    witnesses = [Witness() for _ in range(WITNESSES)]
    asker = Witness()
    offered = 0

    async def flow(
        peer: Any, told: asyncio.StreamReader, first: int, count: int
    ) -> list[float]:
        nonlocal offered
        url = f"ws://127.0.0.1:{peer.listening}{peer.path}"
        for witness in witnesses:
            await witness.watch(url, HELLO)
        await asker.watch(url, QUIET)
        seconds = options.settle + count
        flood = asyncio.create_task(comments(options.comments, seconds))
        await asyncio.sleep(options.settle)
        for witness in witnesses:
            witness.comments.clear()
            witness.hidden = 0
        delays, _ = await asyncio.gather(
            paced(1)(peer, told, first, count), asker.ask(count * ASKS)
        )
        offered = round(await flood / seconds)
        await asyncio.sleep(1)  # what was sent last is on its way
        for witness in (*witnesses, asker):
            await witness.socket.close()
            await witness.reading
        prices.extend(delays)
        return delays

    prices: list[float] = []
    load = compiled("load.c", folder)
    with Embedded(folder) as embedded:
        os.environ["REDIS_URL"] = settings.REDIS_URL = embedded.url

        class Room(Souk):
            hello, ready = HELLO, '"id":3'

            async def start(self) -> int:
                self.listening = await super().start()
                return self.listening

        room = Room(embedded.socket, folder)
        found = await measure(room, load, options.viewers, flow, options.seconds)
        await store().close()
    told = [delay for witness in witnesses for delay in witness.comments]
    hidden = sum(witness.hidden for witness in witnesses)
    return {
        "viewers": options.viewers,
        "prices": len(prices),
        "reliable_lost": 0,  # or `measure` had raised
        "reliable_p50_ms": late(prices, 0.5),
        "reliable_p99_ms": late(prices, 0.99),
        "comments_offered_per_s": offered,
        "comments_told": share(len(told), len(told) + hidden),
        "comments_p50_ms": late(told, 0.5),
        "comments_p99_ms": late(told, 0.99),
        "comments_aim_ms": TICK_MAX_MS + 100,
        "rpc_p50_ms": late(asker.replies, 0.5),
        "rpc_p99_ms": late(asker.replies, 0.99),
        "rpc_unanswered": options.seconds * ASKS - len(asker.replies),
        "join_cpu_ms": round(found["join_cpu_ms"], 2),
        "warm_up": WARM_UP,
        "load": round(os.getloadavg()[0], 1),
    }


def late(delays: Sequence[float], part: float) -> float | None:
    """The delay in ms that this part of them does not exceed."""
    if not delays:
        return None
    if part == 0.5:
        return round(statistics.median(delays) * 1000, 1)
    return round(
        sorted(delays)[min(int(len(delays) * part), len(delays) - 1)] * 1000, 1
    )


def share(some: int, all_: int) -> float | None:
    return round(some / all_, 3) if all_ else None


def room_for(viewers: int) -> int:
    """As many of them as descriptors allow; says so if they are fewer."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    fit = int(most * IN_SERVER) - SPARE
    if fit < viewers:
        print(f"{most} descriptors: {fit} viewers instead of {viewers}")
    return min(fit, viewers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=10_000)
    parser.add_argument("--comments", type=int, default=1000, help="a second")
    parser.add_argument("--settle", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args()
    prepare()
    options.viewers = room_for(options.viewers)
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as folder:
        os.environ["SOUK_DATA"] = folder
        django.setup()
        call_command("migrate", verbosity=0)
        print(json.dumps({"flood": asyncio.run(run(options, Path(folder)))}))


os.environ.update(CHANGED)
if __name__ == "__main__":
    main()
