"""The servers of a run, their store and their database: what is broken and mended."""

import asyncio
import os
import signal
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Self

from django.conf import settings
from redis import Redis, RedisError

from realtime.embedded import Embedded
from tests.commerce.chaos.nursery import Nursery
from tests.live import free_port
from tests.postgres import Cluster

UP_SECONDS = 20.0
FAILPOINTS = ("orders.after_commit", "orders.before_commit", "outbox.after_publish")


class Server:
    """A place where a server runs, and runs again, on one port."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log
        self.pid = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True


class Site:
    """Made before there is a loop or a connection; `async with` it the servers are up.

    Verbs are `kill`, `flush`, `store`, `stop`; `done` counts them.
    """

    def __init__(
        self,
        folder: Path,
        servers: int,
        seed: str,
        cluster: Cluster | None = None,
        *,
        failpoints: bool = False,
    ) -> None:
        self.folder = folder
        self.cluster = cluster
        self.store = Embedded(folder / "store")
        self.done: Counter[str] = Counter()
        self.servers = [
            Server(free_port(), folder / f"web-{n}.log") for n in range(servers)
        ]
        self._rng = Random(seed)
        self._failpoints = failpoints
        self.store.tend()
        self.store.wait()
        settings.REDIS_URL = self.store.url
        self._nursery = Nursery()
        self._tending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        for server in self.servers:
            self._start(server, fail=False)
        await self.up()
        self._tending = asyncio.create_task(self._tend())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._tending is not None:
            self._tending.cancel()

    def close(self) -> None:
        self._nursery.end()
        self.store.stop()

    async def up(self) -> None:
        """Until every server answers."""
        end = time.monotonic() + UP_SECONDS
        for server in self.servers:
            while not await _answers(server.port):
                if time.monotonic() > end:
                    raise TimeoutError(server.log.read_text()[-2000:])
                await asyncio.sleep(0.02)

    def pick(self, rng: Random) -> Server:
        return rng.choice(self.servers)

    async def fault(self, verb: str) -> None:
        """Do it, and return when it is mended (a killed server: when it is asked to
        come back)."""
        await getattr(self, f"_{verb}")()
        self.done[verb] += 1

    def calm(self) -> None:
        """No more deaths: servers that come from now on have no fail-point."""
        self._failpoints = False

    async def fresh(self) -> None:
        """Replace all servers by some without a fail-point."""
        self.calm()
        for server in self.servers:
            os.kill(server.pid, signal.SIGKILL) if server.is_running else None
            self._start(server, fail=False)
        await self.up()

    async def _kill(self) -> None:
        server = self._rng.choice(self.servers)
        if server.is_running:
            os.kill(server.pid, signal.SIGKILL)
        self._start(server)

    async def _flush(self) -> None:
        with Redis(unix_socket_path=str(self.store.socket)) as admin:
            try:
                admin.flushall()
            except RedisError:  # it is just being killed
                await asyncio.sleep(0.5)
                admin.flushall()

    async def _store(self) -> None:
        assert self.store.process is not None
        self.store.process.kill()
        self.store.process.wait()
        await asyncio.sleep(0.5)
        self.store.tend()
        await asyncio.to_thread(self.store.wait)

    async def _stop(self) -> None:
        assert self.cluster is not None
        await asyncio.to_thread(self.cluster.stop, "immediate")
        await asyncio.sleep(0.3)
        await asyncio.to_thread(self.cluster.start)

    async def _tend(self) -> None:
        """Bring back who died by a fail-point."""
        while True:
            await asyncio.sleep(0.05)
            for server in self.servers:
                if not server.is_running:
                    self.done["failpoint"] += 1
                    self._start(server)

    def _start(self, server: Server, *, fail: bool = True) -> None:
        failpoint = ""
        if fail and self._failpoints and self._rng.random() < 0.5:
            name = self._rng.choice(FAILPOINTS)
            failpoint = f"{name}=kill@{self._rng.randint(1, 12)}"
        server.pid = self._nursery.bear(
            port=server.port, failpoints=failpoint, log=str(server.log)
        )


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
