"""Fan-out: server CPU seconds for a million deliveries, beside its peers in one run.

    python -m bench.fanout [--viewers 5000] [--rounds 3] [--peers souk c ws …]

One reliable channel, a comment of 150 bytes, every viewer's sequence checked. The
server alone on core 0; viewers, publisher and store on core 1. All peers in one run,
interleaved; the best round counts. The last line is JSON; null: not measured.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

from bench.machine import HERE, compiled, prepare, version

CHANGED = {"DJANGO_SETTINGS_MODULE": "bench.settings", "SOUK_DEBUG": "1"}
OPEN_PER_SECOND, OPEN_SECONDS = 50, 10
QUEUED = 8

PARTS = {
    "one": ["souk", "python", "c", "nchan", "ws", "socketio"],
    "queued": ["souk", "joined", "nchan", "ws", "socketio", "naive"],
    "open": ["souk"],
    "busy": ["busy"],
}
"""One message in flight; eight; fifty a second; eight beside a busy thread."""

Held = dict[str, list[dict[str, float]]]


def install() -> None:
    """What peers need and can be had by their own packagers."""
    folder = HERE / "peers" / "socketio"
    if not (folder / "node_modules").exists():
        npm = ["npm", "ci", "--silent", "--ignore-scripts", "--prefix", str(folder)]
        subprocess.run(npm, check=False)
    from bench.peers.servers import Nchan

    if Nchan.missing() and os.geteuid() == 0:
        subprocess.run(f"{Nchan.missing()} -y -q".split(), check=False)


async def run(options: argparse.Namespace, folder: Path) -> dict[str, Held]:
    from bench.peers.servers import PEERS
    from bench.rounds import closed, measure, paced
    from realtime.embedded import Embedded
    from realtime.store import store

    load = compiled("load.c", folder)
    compiled("peers/limit.c", folder)
    flows = {
        "one": closed(1),
        "queued": closed(QUEUED),
        "open": paced(OPEN_PER_SECOND),
        "busy": closed(QUEUED),
    }
    lacking = {name: said for name in PEERS if (said := PEERS[name].missing())}
    for name, said in lacking.items():
        print(f"{name} is left out; it needs: {said}")
    held: dict[str, Held] = {part: {} for part in PARTS}
    with Embedded(folder) as embedded:
        os.environ["REDIS_URL"] = settings.REDIS_URL = embedded.url
        plan = [
            (part, name)
            for part in options.parts
            for name in PARTS[part]
            if name not in lacking and name in options.peers
        ]
        for number in range(options.rounds):
            for part, name in plan:
                peer = PEERS[name](embedded.socket, folder)
                count = min(options.deliveries, peer.deliveries) // options.viewers
                if part == "open":
                    count = OPEN_PER_SECOND * OPEN_SECONDS
                try:
                    got = await measure(peer, load, options.viewers, flows[part], count)
                except (AssertionError, TimeoutError) as error:
                    print(f"round {number + 1} {part:<7}{name:<9} failed: {error!r}")
                    continue
                held[part].setdefault(name, []).append(got)
                print(
                    f"round {number + 1} {part:<7}{name:<9}"
                    f"{got['cpu']:>8.2f} CPU s a million{got['per_s']:>10,.0f}/s"
                    f"{got['all_ms']:>9.1f} ms to all, p99{got['p99_ms']:>8.1f}"
                    f"{got['join_cpu_ms']:>7.2f} CPU ms to join",
                    flush=True,
                )
        await store().close()
    return held


def figures(held: dict[str, Held]) -> dict[str, Any]:
    """The keys everybody compares; then best and median of each peer."""

    def best(part: str, name: str) -> float | None:
        rounds = held[part].get(name)
        return min(r["cpu"] for r in rounds) if rounds else None

    def ratio(part: str, over: str, under: str) -> float | None:
        above, below = best(part, over), best(part, under)
        return round(above / below, 2) if above and below else None

    def most(part: str, name: str) -> int | None:
        rounds = held[part].get(name)
        return round(max(r["per_s"] for r in rounds)) if rounds else None

    opened = held["open"].get("souk", [])
    return {
        "c_ratio": ratio("one", "python", "c"),
        "c_ratio_ext": ratio("one", "souk", "c"),
        "c_coalesce_ratio": ratio("queued", "souk", "joined"),
        "nchan_over_ours": ratio("queued", "nchan", "souk"),
        "ws_over_ours": ratio("queued", "ws", "souk"),
        "socketio_over_ours": ratio("queued", "socketio", "souk"),
        "naive_over_ours": ratio("queued", "naive", "souk"),
        "open_loop_per_s": most("open", "souk"),
        "open_loop_p99_ms": round(min(r["p99_ms"] for r in opened)) if opened else None,
        "busy_thread_per_s": most("busy", "busy"),
        "one_in_flight": {
            name: ratio("one", name, "souk") for name in ("nchan", "ws", "socketio")
        },
        "cpu": {
            part: {
                name: [
                    round(min(r["cpu"] for r in rounds), 2),
                    round(statistics.median(r["cpu"] for r in rounds), 2),
                ]
                for name, rounds in peers.items()
            }
            for part, peers in held.items()
        },
    }


def versions() -> str:
    packages = json.loads((HERE / "peers/socketio/package.json").read_text())
    lines = [["cc", "--version"], ["node", "-v"]]
    said = [f"Python {sys.version.split()[0]}", *map(version, lines)]
    said += [f"{n} {v}" for n, v in packages["dependencies"].items()]
    return ", ".join([*said, f"load {os.getloadavg()[0]:.1f}"])


def main() -> None:
    from bench.peers.servers import PEERS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--deliveries", type=int, default=1_000_000, help="a round")
    parser.add_argument("--peers", nargs="+", default=list(PEERS), metavar="PEER")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    options = parser.parse_args()
    prepare()
    install()
    print(versions())
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as folder:
        os.environ["SOUK_DATA"] = folder
        django.setup()
        call_command("migrate", verbosity=0)
        held = asyncio.run(run(options, Path(folder)))
    print(json.dumps({"fanout": figures(held), "viewers": options.viewers}))


os.environ.update(CHANGED)
if __name__ == "__main__":
    main()
