"""Coming back: what a reader costs who missed something, from the ring or the store.

    python -m bench.recover [--readers 5000] [--missed 1 20 200] [--rounds 3]

A channel of 500 kept publications that the process listens to. *Ring*: as a subscribe
does it, `begin` and the publications encoded. *Store*: the same, but history is asked
of the store for each reader, 256 at once in a pipeline. By turns; the best round
counts. CPU of this process and of the store, by the scheduler's clock. The last line
is JSON.
"""

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import django
from django.conf import settings

from bench.machine import cpu_seconds, prepare, version

NAME, KEPT, AT_ONCE = "deals:1", 500, 256


async def figures(options: argparse.Namespace, store_pid: int) -> dict[str, float]:
    from bench.rooms import comment
    from realtime.broker import broker
    from realtime.channels import namespace_of
    from realtime.codecs import JSON, pub
    from realtime.hub import Hub
    from realtime.publishing import publish
    from realtime.recovery import Position, Publication, Recovered
    from realtime.store import store

    hub = Hub(broker(), namespace_of)
    broker().start(hub.receive, lambda: None)
    await asyncio.gather(*(publish(NAME, comment(n)) for n in range(KEPT)))
    channel = await hub.warm(NAME)

    def reply(missed: list[Publication]) -> bytes:
        return JSON.encode({"publications": [pub(JSON, each) for each in missed]})

    async def from_ring(since: Position) -> bytes:
        found = hub.begin(channel, since).recovered
        assert isinstance(found, Recovered)
        return reply(found.publications)

    async def from_store(since: Position) -> bytes:
        held = await broker().history(NAME, since.offset, KEPT)
        return reply(held.publications)

    async def cost(
        way: Callable[[Position], Awaitable[bytes]], missed: int
    ) -> tuple[float, float]:
        """Microseconds a reader: ours, the store's."""
        since = Position(channel.top - missed, channel.epoch)
        before = cpu_seconds(os.getpid()), cpu_seconds(store_pid)
        for _ in range(0, options.readers, AT_ONCE):
            got = await asyncio.gather(*(way(since) for _ in range(AT_ONCE)))
            assert all(each == got[0] for each in got)
        after = cpu_seconds(os.getpid()), cpu_seconds(store_pid)
        readers = -(-options.readers // AT_ONCE) * AT_ONCE
        ours, theirs = (
            (b - a) / readers * 1e6 for a, b in zip(before, after, strict=True)
        )
        return ours, theirs

    found: dict[str, float] = {}
    for missed in options.missed:
        same = {await from_ring(Position(channel.top - missed, channel.epoch))}
        same.add(await from_store(Position(channel.top - missed, channel.epoch)))
        assert len(same) == 1, "ring and store tell different things"
        for number in range(options.rounds):
            for label, way in (("ring", from_ring), ("store", from_store)):
                ours, theirs = await cost(way, missed)
                print(
                    f"round {number + 1} missed {missed:>3} {label:<6}"
                    f"{ours:>8.1f} µs here{theirs:>8.1f} µs in the store"
                )
                for where, took in (("us", ours), ("store_us", theirs)):
                    key = f"{label}_{missed}_{where}"
                    found[key] = round(min(took, found.get(key, took)), 1)
    hub.close()
    await broker().close()
    await store().close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=5000)
    parser.add_argument("--missed", type=int, nargs="+", default=[1, 20, 200])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    prepare()
    with tempfile.TemporaryDirectory(prefix="souk-recover-") as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/souk.sqlite3"
        os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
        os.environ["SOUK_DEBUG"] = "1"
        django.setup()
        from realtime.embedded import Embedded, binary

        with Embedded(Path(folder)) as embedded:
            settings.REDIS_URL = embedded.url
            assert embedded.process is not None
            found = asyncio.run(figures(options, embedded.process.pid))
        print(version([binary(), "--version"]), "load", os.getloadavg()[0])
    print(json.dumps({"recover": found, "readers": options.readers}))


if __name__ == "__main__":
    main()
