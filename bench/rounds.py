"""One round of one peer: viewers join, comments flow, the server's CPU time is read."""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.machine import cpu_seconds
from bench.peers.base import Peer

WARM_UP = 5
ROUND_SECONDS = 240

Flow = Callable[[Peer, asyncio.StreamReader, int, int], Awaitable[list[float]]]


async def measure(
    peer: Peer, load: Path, viewers: int, flow: Flow, messages: int
) -> dict[str, float]:
    """CPU seconds a million deliveries, deliveries a second, delays in ms.

    Every viewer's sequence is checked: a message lost, repeated or out of order raises.
    """
    port = await peer.start()
    assert peer.process is not None
    pid = peer.process.pid
    count = max(10, messages)
    try:
        client = await asyncio.create_subprocess_exec(
            *(load, str(port), peer.path, str(viewers), peer.hello, peer.ready),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert client.stdin is not None and client.stdout is not None
        async with asyncio.timeout(ROUND_SECONDS):
            began, idle = time.monotonic(), cpu_seconds(pid)
            assert await client.stdout.readline() == b"ready\n", "viewers refused"
            joined = time.monotonic() - began
            joining = cpu_seconds(pid) - idle
            await closed(1)(peer, client.stdout, 1, WARM_UP)
            before, began = cpu_seconds(pid), time.monotonic()
            delays = await flow(peer, client.stdout, WARM_UP + 1, count)
            took, used = time.monotonic() - began, cpu_seconds(pid) - before
            client.stdin.close()
            told: dict[str, Any] = json.loads(await client.stdout.readline())
        await client.wait()
    finally:
        await peer.stop()
    expected = viewers * (WARM_UP + count)
    assert told["received"] == expected, f"{peer.name}: {told} of {expected}"
    assert told["wrong"] == told["closed"] == 0, f"{peer.name}: {told}"
    return {
        "cpu": used / (viewers * count) * 1e6,
        "per_s": viewers * count / took,
        "all_ms": statistics.median(delays) * 1000,
        "p99_ms": statistics.quantiles(delays, n=100)[98] * 1000,
        "join_s": joined,
        "join_cpu_ms": joining / viewers * 1000,
    }


def closed(in_flight: int) -> Flow:
    """At most `in_flight` messages are not yet at every viewer."""

    async def flow(
        peer: Peer, told: asyncio.StreamReader, first: int, count: int
    ) -> list[float]:
        sent: dict[int, float] = {}
        delays: list[float] = []
        following = first
        while len(delays) < count:
            while following < first + count and len(sent) < in_flight:
                sent[following] = time.monotonic()
                await peer.publish(following)
                following += 1
            arrived = int(await told.readline())
            delays.append(time.monotonic() - sent.pop(arrived))
        return delays

    return flow


def paced(per_second: float) -> Flow:
    """So many a second, whatever has arrived; delays are from when each was due."""

    async def flow(
        peer: Peer, told: asyncio.StreamReader, first: int, count: int
    ) -> list[float]:
        began = time.monotonic()
        due = {first + n: began + n / per_second for n in range(count)}

        async def publish() -> None:
            for number, at in due.items():
                await asyncio.sleep(at - time.monotonic())
                await peer.publish(number)

        async def hear() -> list[float]:
            delays = []
            for _ in range(count):
                arrived = int(await told.readline())
                delays.append(time.monotonic() - due[arrived])
            return delays

        _, delays = await asyncio.gather(publish(), hear())
        return delays

    return flow
