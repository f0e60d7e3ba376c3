"""Compression: bytes and server CPU of ticks of comments, with and without.

    python -m bench.deflate [--viewers 100 1000] [--comments 10] [--ticks 200]

A burst of comments at a time, the next when all of it has come to one who reads along.
The server alone on core 0; viewers, who count bytes and inflate nothing, publisher and
store on core 1. Interleaved, each round a fresh server. The last line is JSON.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

from bench.machine import cpu_seconds, prepare, version

CHANGED = {"DJANGO_SETTINGS_MODULE": "bench.settings", "SOUK_DEBUG": "1"}
WARM_UP = 20
WAIT_SECONDS = 30
WORDS = """
is the blue one still there in size M last show was so good love this how much to ship
please add more stock hi everyone from where can I buy 喜欢 多少钱 谢谢 主播
"""
UPGRADE = (
    "GET /connection/websocket HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
JOIN = b'{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"deals:1"}}'


class Viewer(asyncio.Protocol):
    """Joins, then counts bytes."""

    def __init__(self, deflate: bool) -> None:
        self._deflate = deflate
        self.received = b""
        self.bytes = 0
        self.joined = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        asked = UPGRADE + (DEFLATE if self._deflate else "") + "\r\n"
        transport.write(asked.encode())

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        if not self.joined.done():
            if not self.received:  # the handshake's answer
                head = bytes((0x81, 0x80 | len(JOIN), 0, 0, 0, 0))
                self.transport.write(head + JOIN)
            self.received += data
            if b'"id":2' in self.received:
                assert b"error" not in self.received, self.received
                assert (b"permessage-deflate" in self.received) is self._deflate
                self.joined.set_result(None)


@asynccontextmanager
async def audience(
    port: int, viewers: int, deflate: bool
) -> AsyncIterator[list[Viewer]]:
    loop = asyncio.get_running_loop()
    made = []
    for _ in range(viewers):
        _, viewer = await loop.create_connection(
            lambda: Viewer(deflate), "127.0.0.1", port
        )
        made.append(viewer)
    async with asyncio.timeout(WAIT_SECONDS):
        await asyncio.gather(*(viewer.joined for viewer in made))
    yield made
    for viewer in made:
        viewer.transport.abort()


async def measure(peer: Any, options: Any, viewers: int, deflate: bool) -> Any:
    """One round: bytes a viewer and tick, CPU µs a delivered comment."""
    from realtime.testing import LiveClient

    port = await peer.start()
    compression = "deflate" if deflate else None
    try:
        async with LiveClient(
            f"http://127.0.0.1:{port}", compression=compression
        ) as reader:
            await reader.connect()
            await reader.subscribe("deals:1")  # all others find it warm
            async with audience(port, viewers, deflate) as watching:
                await reader.unsubscribe("deals:1")
                await reader.subscribe("deals:1")  # the last that is served
                return await flow(peer.process.pid, reader, watching, options)
    finally:
        await peer.stop()


async def flow(
    pid: int, reader: Any, watching: list[Viewer], options: Any
) -> dict[str, float]:
    words = random.Random(7)
    for _ in range(WARM_UP):
        await tick(reader, words, options.comments)
    used, before = cpu_seconds(pid), watching[-1].bytes
    for _ in range(options.ticks):
        await tick(reader, words, options.comments)
    used = cpu_seconds(pid) - used
    await asyncio.sleep(0.2)  # the last one's bytes
    (whole,) = {viewer.bytes for viewer in watching}
    assert whole > before, "nobody was told anything"
    return {
        "bytes": (whole - before) / options.ticks,
        "cpu": used / (options.ticks * options.comments * len(watching)) * 1e6,
    }


async def tick(reader: Any, words: random.Random, count: int) -> None:
    """`count` comments of 3 to 16 words, until the reader has them."""
    from bench.rooms import Commented
    from realtime import publish

    comments = [
        Commented(
            seq=words.getrandbits(48),
            user=words.randint(1, 99_999),
            name=f"Lin {words.randint(1, 999)}*",
            text=" ".join(words.choices(WORDS.split(), k=words.randint(3, 16))),
        )
        for _ in range(count)
    ]
    await asyncio.gather(*(publish("deals:1", comment) for comment in comments))
    for comment in comments:
        assert (await reader.push("deals:1"))["seq"] == comment.seq


async def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from bench.peers.servers import Souk
    from realtime.embedded import Embedded
    from realtime.store import store

    results: dict[str, Any] = {}
    with Embedded(folder) as embedded:
        os.environ["REDIS_URL"] = settings.REDIS_URL = embedded.url
        for viewers in options.viewers:
            rounds: dict[bool, list[Any]] = {False: [], True: []}
            for _ in range(options.rounds):
                for deflate, held in rounds.items():
                    peer = Souk(embedded.socket, folder)
                    held.append(await measure(peer, options, viewers, deflate))
                    print(
                        f"{viewers:>6} viewers, {'deflate' if deflate else 'plain':<8}"
                        f"{held[-1]['bytes']:>8.0f} B a tick"
                        f"{held[-1]['cpu']:>8.3f} CPU s a million comments",
                        flush=True,
                    )
            results[str(viewers)] = ratios(rounds)
        await store().close()
    return results


def ratios(rounds: dict[bool, list[dict[str, float]]]) -> dict[str, float]:
    """Of the medians: bytes saved, CPU added, each as a part of what it is without."""

    def middle(deflate: bool, what: str) -> float:
        return statistics.median(held[what] for held in rounds[deflate])

    return {
        "bytes_saved": round(1 - middle(True, "bytes") / middle(False, "bytes"), 3),
        "cpu_added": round(middle(True, "cpu") / middle(False, "cpu") - 1, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--comments", type=int, default=10)
    parser.add_argument("--ticks", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ.update(CHANGED)
    prepare()
    print("python", version(["python3", "-V"]))
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as folder:
        os.environ["SOUK_DATA"] = folder
        django.setup()
        call_command("migrate", verbosity=0)
        results = asyncio.run(run(options, Path(folder)))
    print(json.dumps({"deflate": results, "comments": options.comments}))


if __name__ == "__main__":
    main()
