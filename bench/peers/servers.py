"""How each peer of `fanout` is started, spoken to and published to."""

import asyncio
import os
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import Redis

from bench.machine import HERE, on_server_core
from bench.rooms import comment
from realtime import publish

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


class Souk(Peer):
    name = "souk"
    path = "/connection/websocket"
    hello = '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"deals:1"}}'
    ready = '"id":2'

    def command(self) -> list[str]:
        return [sys.executable, "-m", "config.cli", "web", "--port", "0"]

    def environment(self) -> dict[str, str]:
        return {"DJANGO_SETTINGS_MODULE": "bench.settings"}

    async def publish(self, seq: int) -> None:
        await publish("deals:1", comment(seq))


class Ws(Peer):
    name = "ws"

    def command(self) -> list[str]:
        return ["node", str(HERE / "peers" / "ws.mjs"), str(self.store), CHANNEL]


class Limit(Peer):
    name = "c"

    def command(self) -> list[str]:
        return [str(self.programs / "limit"), str(self.store), CHANNEL]


class Naive(Peer):
    name = "naive"
    deliveries = 50_000

    def __init__(self, store: Path, programs: Path) -> None:
        super().__init__(store, programs)
        from channels_redis.core import RedisChannelLayer

        self.layer: Any = RedisChannelLayer(hosts=[f"unix://{store}"])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.at: int = free.getsockname()[1]

    def command(self) -> list[str]:
        daphne = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(self.at), "-v", "0"]
        return [sys.executable, *daphne, "bench.peers.naive:application"]

    def environment(self) -> dict[str, str]:
        return {"BENCH_STORE": str(self.store)}

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

    async def publish(self, seq: int) -> None:
        text = msgspec.json.encode(comment(seq)).decode()
        await self.layer.group_send("room", {"type": "comment", "text": text})

    async def stop(self) -> None:
        await super().stop()
        await self.layer.close_pools()


PEERS: dict[str, type[Peer]] = {peer.name: peer for peer in (Souk, Ws, Naive, Limit)}
