"""What a viewer costs who only comes and stays: connects a second, memory, idle CPU.

    python -m bench.connect [--viewers 2000] [--idle 30]

*Bare* is the WebSocket handshake alone. *Whole* is that, a connect with a ticket of a
user of the database, and three subscribes. A rate is what one core's CPU time is enough
for: viewers by the server's CPU seconds, so other work on the machine counts little.
The last line is JSON; null: not measured.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

from bench.machine import compiled, cpu_seconds, prepare

CHANGED = {"DJANGO_SETTINGS_MODULE": "bench.settings", "SOUK_DEBUG": "1"}
WHOLE = "\n".join(
    ['{"id":1,"connect":{"token":"@"}}']
    + [
        f'{{"id":{id_},"subscribe":{{"channel":"{name}:1"}}}}'
        for id_, name in enumerate(("deals", "state", "comments"), 2)
    ]
)
JOIN_SECONDS = 120


def resident_kb(pid: int) -> int:
    """Memory of a process that is really there."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise ValueError(pid)


@asynccontextmanager
async def joined(
    peer: Any, load: Path, viewers: int, *said: str
) -> AsyncIterator[dict[str, float]]:
    """Viewers who are ready, and what it took to become so."""
    port = await peer.start()
    pid = peer.process.pid
    client = None
    try:
        # One before the others: what is made once is not theirs.
        first = await asyncio.open_connection("127.0.0.1", port)
        first[1].close()
        before, memory, began = cpu_seconds(pid), resident_kb(pid), time.monotonic()
        client = await asyncio.create_subprocess_exec(
            *(load, str(port), peer.path, str(viewers), *said),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert client.stdout is not None
        async with asyncio.timeout(JOIN_SECONDS):
            assert await client.stdout.readline() == b"ready\n", "viewers refused"
        yield {
            "pid": pid,
            "cpu_ms": (cpu_seconds(pid) - before) / viewers * 1000,
            "wall_s": time.monotonic() - began,
            "kb": (resident_kb(pid) - memory) / viewers,
        }
    finally:
        if client is not None:
            client.terminate()
            await client.wait()
        await peer.stop()


def batched(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


async def tickets(viewers: int, into: Path) -> Path:
    """One for each of as many users."""
    from accounts.models import User
    from realtime.tokens import issue_ticket

    made = [User(username=f"v{n}") for n in range(viewers)]
    rows = await User.objects.abulk_create(made)
    lines: list[str] = []
    for some in batched(rows, 100):  # they live for 30 s
        lines += await asyncio.gather(*(issue_ticket(row.pk) for row in some))
    place = into / "tickets"
    place.write_text("\n".join(lines) + "\n")
    return place


async def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from bench.peers.servers import Souk
    from realtime.db import threads
    from realtime.embedded import Embedded
    from realtime.store import store

    load = compiled("load.c", folder)
    viewers = options.viewers
    with Embedded(folder) as embedded:
        os.environ["REDIS_URL"] = settings.REDIS_URL = embedded.url

        def souk() -> Souk:
            return Souk(embedded.socket, folder)

        async with joined(souk(), load, viewers, "", "") as bare:
            pass
        place = await tickets(viewers, folder)
        async with joined(souk(), load, viewers, WHOLE, '"id":4', str(place)) as whole:
            before = cpu_seconds(int(whole["pid"]))
            await asyncio.sleep(options.idle)
            used = cpu_seconds(int(whole["pid"])) - before
        await store().close()
        if (pool := threads.drop()) is not None:
            pool.close()
    return {
        "bare_per_s": round(1000 / bare["cpu_ms"]),
        "whole_per_s": round(1000 / whole["cpu_ms"]),
        "kb_per_viewer": round(whole["kb"], 1),
        "idle_us_per_s": round(used / options.idle / viewers * 1e6, 1),
        "wall_per_s": {
            "bare": round(viewers / bare["wall_s"]),
            "whole": round(viewers / whole["wall_s"]),
        },
        "viewers": viewers,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=2000)
    parser.add_argument("--idle", type=float, default=30)
    options = parser.parse_args()
    prepare()
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as folder:
        os.environ["SOUK_DATA"] = folder
        django.setup()
        call_command("migrate", verbosity=0)
        print(json.dumps({"connect": asyncio.run(run(options, Path(folder)))}))


os.environ.update(CHANGED)
if __name__ == "__main__":
    main()
