"""What a bench asks of a server it compares: start, port, publish, stop."""

import asyncio
import os
import socket
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

import msgspec
from redis.asyncio import Redis

from bench.machine import HERE, on_server_core
from bench.rooms import comment

ROOT = HERE.parent
CHANNEL = "bench"


class Peer(ABC):
    """A server under test; slow ones have fewer `deliveries` a round."""

    name: str
    path = "/"
    hello = ""
    ready = ""
    deliveries = 1_000_000

    def __init__(self, store: Path, programs: Path) -> None:
        self.store = store
        self.programs = programs
        self.redis = Redis(unix_socket_path=str(store))
        self.process: subprocess.Popen[str] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """What runs; it prints its port, last in a line."""

    async def start(self) -> int:
        """The port it listens on."""
        self.process = subprocess.Popen(
            self.command(),
            env={**os.environ, **self.environment()},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=on_server_core(),
        )
        return await self.port()

    async def port(self) -> int:
        assert self.process is not None and self.process.stdout is not None
        line = await asyncio.to_thread(self.process.stdout.readline)
        return int(line.strip().rpartition(":")[2])

    @classmethod
    def missing(cls) -> str:
        """What the machine lacks for it, as a line to read; nothing: it can run."""
        return ""

    def environment(self) -> dict[str, str]:
        return {}

    async def publish(self, seq: int) -> None:
        text = msgspec.json.encode(comment(seq))
        await self.redis.publish(CHANNEL, text)

    async def stop(self) -> None:
        assert self.process is not None
        self.process.kill()
        await asyncio.to_thread(self.process.communicate)
        await self.redis.aclose()


class PortedPeer(Peer):
    """One that is told its port, and answers there some time later."""

    def __init__(self, store: Path, programs: Path) -> None:
        super().__init__(store, programs)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.at: int = free.getsockname()[1]

    async def port(self) -> int:
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.at)
                except OSError:
                    await asyncio.sleep(0.1)
                else:
                    writer.close()
                    return self.at
