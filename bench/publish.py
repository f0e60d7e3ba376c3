"""How many publications a process can make, and what each costs the store and others.

    python -m bench.publish [--count 50000]

One process publishes comments of about 150 bytes to a reliable channel, 256 under way
at a time, and hears them all. A publication must be one call of the store and one
message to who listens. Rates are by the clock, and by the publisher's CPU time: what a
core is enough for, reading what it published included. The last line is JSON.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from redis.asyncio import Redis

from bench.machine import prepare

CHANGED = {"DJANGO_SETTINGS_MODULE": "bench.settings", "SOUK_DEBUG": "1"}
AT_ONCE = 256
HEARD_SECONDS = 60


async def calls(client: Redis) -> dict[str, int]:
    """How often the store was asked what."""
    told = await client.info("commandstats")
    return {name.removeprefix("cmdstat_"): row["calls"] for name, row in told.items()}


async def run(count: int, folder: Path) -> dict[str, Any]:
    from bench.rooms import comment
    from realtime import publish
    from realtime.broker import broker
    from realtime.embedded import Embedded
    from realtime.recovery import Publication
    from realtime.store import store

    heard, whole = 0, asyncio.Event()

    def receive(_: str, publication: Publication) -> None:
        nonlocal heard
        heard += 1
        if publication.offset == count + 1:
            whole.set()

    numbers = iter(range(count))

    async def some() -> None:
        for number in numbers:
            await publish("deals:1", comment(number))

    with Embedded(folder) as embedded:
        os.environ["REDIS_URL"] = settings.REDIS_URL = embedded.url
        broker().start(receive, lambda: None)
        await broker().subscribe(["deals:1"])
        await publish("deals:1", comment(0))  # the script is there from now on
        before = await calls(await store().client("any"))
        began, used = time.monotonic(), time.process_time()
        await asyncio.gather(*(some() for _ in range(AT_ONCE)))
        took = time.monotonic() - began
        async with asyncio.timeout(HEARD_SECONDS):
            await whole.wait()
        cpu = time.process_time() - used
        after = await calls(await store().client("any"))
        await broker().close()
        await store().close()
    scripts = sum(
        after[name] - before.get(name, 0)
        for name in ("evalsha", "eval")
        if name in after
    )
    return {
        "per_s": round(count / took),
        "per_cpu_s": round(count / cpu),
        "calls_each": scripts / count,
        "messages_each": (heard - 1) / count,
        "count": count,
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50_000)
    options = parser.parse_args()
    prepare()
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # the store has the other core
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as folder:
        os.environ["SOUK_DATA"] = folder
        django.setup()
        print(json.dumps({"publish": asyncio.run(run(options.count, Path(folder)))}))


os.environ.update(CHANGED)
if __name__ == "__main__":
    main()
