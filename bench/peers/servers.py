"""How each peer of `fanout` is started, spoken to and published to."""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec

from bench.machine import HERE
from bench.peers.base import CHANNEL, Peer, PortedPeer
from bench.rooms import comment
from realtime import publish


class Souk(Peer):
    name = "souk"
    path = "/connection/websocket"
    hello = '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"deals:1"}}'
    ready = '"id":2'

    def command(self) -> list[str]:
        return [sys.executable, "-m", "config.cli", "web", "--port", "0"]

    def environment(self) -> dict[str, str]:
        return {"DJANGO_SETTINGS_MODULE": "bench.settings"}

    @classmethod
    def missing(cls) -> str:
        from realtime import sends

        return "" if sends.built else "the C loop is not built: pip install -e ."

    async def publish(self, seq: int) -> None:
        await publish("deals:1", comment(seq))


class SoukPython(Souk):
    """Without the C loop."""

    name = "python"

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "SOUK_SENDMANY": "0"}

    @classmethod
    def missing(cls) -> str:
        return ""


class SoukBusy(Souk):
    """With a thread in the process that never rests."""

    name = "busy"

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "BENCH_BUSY": "1"}


class Ws(Peer):
    name = "ws"

    def command(self) -> list[str]:
        return ["node", str(HERE / "peers" / "ws.mjs"), str(self.store), CHANNEL]

    @classmethod
    def missing(cls) -> str:
        there = (HERE.parent / "node_modules" / "ws").exists()
        return "" if there else "npm ci"


class SocketIo(Peer):
    name = "socketio"
    path = "/socket.io/?EIO=4&transport=websocket"
    hello = "40"
    ready = "40{"
    folder = HERE / "peers" / "socketio"

    def command(self) -> list[str]:
        return ["node", str(self.folder / "server.mjs"), str(self.store)]

    @classmethod
    def missing(cls) -> str:
        there = (cls.folder / "node_modules" / "socket.io").exists()
        return "" if there else f"npm ci --prefix {cls.folder}"

    async def publish(self, seq: int) -> None:
        """As its own emitter for other processes does."""
        data = ["comment", msgspec.to_builtins(comment(seq))]
        packet = {"type": 2, "data": data, "nsp": "/"}
        where: dict[str, Any] = {"rooms": [], "except": [], "flags": {}}
        message = msgspec.msgpack.encode(["emitter", packet, where])
        await self.redis.publish("socket.io#/#", message)


class Nchan(PortedPeer):
    name = "nchan"
    path = "/watch"
    module = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
    _link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def command(self) -> list[str]:
        said = (HERE / "peers" / "nchan.conf").read_text()
        for word, value in (
            ("FOLDER", str(self.programs)),
            ("PORT", str(self.at)),
            ("MODULE", str(self.module)),
        ):
            said = said.replace(word, value)
        place = self.programs / "nchan.conf"
        place.write_text(said)
        return [shutil.which("nginx") or "nginx", "-c", str(place)]

    @classmethod
    def missing(cls) -> str:
        there = shutil.which("nginx") and cls.module.exists()
        return "" if there else "apt-get install nginx-light libnginx-mod-nchan"

    async def publish(self, seq: int) -> None:
        if self._link is None:
            self._link = await asyncio.open_connection("127.0.0.1", self.at)
        reader, writer = self._link
        text = msgspec.json.encode(comment(seq))
        writer.write(
            b"POST /publish HTTP/1.1\r\nHost: nchan\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(text), text)
        )
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        await reader.readexactly(size)

    async def stop(self) -> None:
        if self._link is not None:
            self._link[1].close()
        await super().stop()


class Limit(Peer):
    name = "c"

    def command(self) -> list[str]:
        return [str(self.programs / "limit"), str(self.store), CHANNEL]


class Joined(Limit):
    """The same, of what was read together one send."""

    name = "joined"

    def command(self) -> list[str]:
        return [*super().command(), "joined"]


class Naive(PortedPeer):
    name = "naive"
    deliveries = 50_000

    def __init__(self, store: Path, programs: Path) -> None:
        super().__init__(store, programs)
        from channels_redis.core import RedisChannelLayer

        self.layer: Any = RedisChannelLayer(hosts=[f"unix://{store}"])

    def command(self) -> list[str]:
        daphne = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(self.at), "-v", "0"]
        return [sys.executable, *daphne, "bench.peers.naive:application"]

    def environment(self) -> dict[str, str]:
        return {"BENCH_STORE": str(self.store)}

    async def publish(self, seq: int) -> None:
        text = msgspec.json.encode(comment(seq)).decode()
        await self.layer.group_send("room", {"type": "comment", "text": text})

    async def stop(self) -> None:
        await super().stop()
        await self.layer.close_pools()


PEERS: dict[str, type[Peer]] = {
    peer.name: peer
    for peer in (
        *(Souk, SoukPython, SoukBusy, Limit, Joined),
        *(Nchan, Ws, SocketIo, Naive),
    )
}
