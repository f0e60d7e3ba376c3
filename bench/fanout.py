"""Fan-out: server CPU seconds for a million deliveries, beside three peers.

    python -m bench.fanout [--viewers 1000 5000] [--rounds 2] [--in-flight 1]

One reliable channel, a comment of 150 bytes, every viewer's sequence checked. The
server alone on core 0; viewers, publisher and store on core 1. All peers in one run,
interleaved; the best round counts. The last line is JSON.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

from bench.machine import compiled, cpu_seconds, prepare, version

CHANGED = {"DJANGO_SETTINGS_MODULE": "bench.settings", "SOUK_DEBUG": "1"}
WARM_UP = 5
ROUND_SECONDS = 150


async def measure(
    peer: Any, load: Path, viewers: int, in_flight: int
) -> dict[str, Any]:
    """One round of one peer."""
    port = await peer.start()
    messages = max(10, min(400, peer.deliveries // viewers))
    try:
        client = await asyncio.create_subprocess_exec(
            *(load, str(port), peer.path, str(viewers), peer.hello, peer.ready),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert client.stdin is not None and client.stdout is not None
        async with asyncio.timeout(ROUND_SECONDS):
            began, idle = time.monotonic(), cpu_seconds(peer.process.pid)
            assert await client.stdout.readline() == b"ready\n", "viewers refused"
            joined = time.monotonic() - began
            joining = cpu_seconds(peer.process.pid) - idle
            await flow(peer, client.stdout, 1, WARM_UP, 1)
            before = cpu_seconds(peer.process.pid)
            delays = await flow(peer, client.stdout, WARM_UP + 1, messages, in_flight)
            used = cpu_seconds(peer.process.pid) - before
            client.stdin.close()
            told = json.loads(await client.stdout.readline())
        await client.wait()
    finally:
        await peer.stop()
    expected = viewers * (WARM_UP + messages)
    assert told["received"] == expected, f"{peer.name}: {told} of {expected}"
    assert told["wrong"] == told["closed"] == 0, f"{peer.name}: {told}"
    return {
        "cpu": used / (viewers * messages) * 1e6,
        "all_ms": statistics.median(delays) * 1000,
        "join_s": joined,
        "join_cpu_ms": joining / viewers * 1000,
    }


async def flow(
    peer: Any, told: asyncio.StreamReader, first: int, count: int, in_flight: int
) -> list[float]:
    """Publish `count`, at most `in_flight` not yet at every viewer; their delays."""
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


async def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from bench.peers.servers import PEERS
    from realtime.embedded import Embedded
    from realtime.store import store

    load = compiled("load.c", folder)
    compiled("peers/limit.c", folder)
    results: dict[str, Any] = {}
    with Embedded(folder) as embedded:
        os.environ["REDIS_URL"] = settings.REDIS_URL = embedded.url
        for viewers in options.viewers:
            rounds: dict[str, list[dict[str, Any]]] = {}
            for number in range(options.rounds):
                for name in options.peers:
                    peer = PEERS[name](embedded.socket, folder)
                    got = await measure(peer, load, viewers, options.in_flight)
                    rounds.setdefault(name, []).append(got)
                    print(
                        f"{viewers:>6} viewers, round {number + 1}, {name:<6}"
                        f"{got['cpu']:>9.2f} CPU s a million"
                        f"{got['all_ms']:>9.1f} ms to all"
                        f"{got['join_s']:>7.1f} s to join"
                        f"{got['join_cpu_ms']:>7.2f} CPU ms each",
                        flush=True,
                    )
            results[str(viewers)] = ratios(rounds)
        await store().close()
    return results


def ratios(rounds: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Best and median of each peer, and what they are of ours; null: not measured."""
    best = {name: min(r["cpu"] for r in held) for name, held in rounds.items()}
    middle = {
        name: statistics.median(r["cpu"] for r in held) for name, held in rounds.items()
    }
    ours = best.get("souk")

    def over(name: str) -> float | None:
        return round(best[name] / ours, 2) if ours and name in best else None

    return {
        "naive_over_ours": over("naive"),
        "ws_over_ours": over("ws"),
        "c_ratio": round(ours / best["c"], 2) if ours and "c" in best else None,
        "best": {name: round(value, 3) for name, value in best.items()},
        "median": {name: round(value, 3) for name, value in middle.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument(
        "--peers", nargs="+", default=["souk", "ws", "naive", "c"], metavar="PEER"
    )
    options = parser.parse_args()
    os.environ.update(CHANGED)
    prepare()
    print("python", version(["python3", "-V"]), "node", version(["node", "-v"]))
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as folder:
        os.environ["SOUK_DATA"] = folder
        django.setup()
        call_command("migrate", verbosity=0)
        results = asyncio.run(run(options, Path(folder)))
    print(json.dumps({"fanout": results, "in_flight": options.in_flight}))


if __name__ == "__main__":
    main()
