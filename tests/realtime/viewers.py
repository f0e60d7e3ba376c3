"""Who watches in tests of the hub: a connection without a process around it.

`Viewer` is told at once; `Reader` is behind a real socket, and reads when told to.
"""

import asyncio
import socket
from collections import Counter
from contextlib import suppress
from typing import Any

import msgspec

from realtime.backlog import Backlog
from realtime.bucket import Member
from realtime.codecs import JSON, Codec
from realtime.frames import Frame
from realtime.hub import Hub, Start
from realtime.protocol import Close
from realtime.recovery import Gap, Position, Publication, Recovered
from realtime.sinks import Sink, SocketSink


class Viewer(Sink):
    """A connection that writes down what it is told; a sink and its owner in one."""

    def __init__(self, hub: Hub, codec: Codec = JSON) -> None:
        self.hub = hub
        self.codec = codec
        self.names: list[str] = []
        self.told: list[tuple[int, int]] = []
        """(offset, n) of each publication."""
        self.frames = self.hidden = 0
        self.frames_of: Counter[str] = Counter()
        self.state: dict[str, Any] = {}
        self.sent_away: list[str] = []
        self.is_slow = False
        self.diary: list[tuple[str, int, dict[str, Any]]] = []
        """(channel, offset, data) of all it was told."""
        self.attach(Backlog(codec, self.snapshot), self)

    def write(self, frame: Frame) -> None:
        self.hear(frame.wire)

    def hear(self, wire: bytes) -> bytes:
        """Note what whole frames say; returns the rest."""
        while (size := whole(wire)) <= len(wire):
            self.frames += 1
            for message in wire[head(wire) : size].split(b"\n"):
                push = msgspec.json.decode(message)["push"]
                pub = push["pub"]
                self._note(push["channel"], pub.get("offset", 0), pub["data"])
            self.frames_of[push["channel"]] += 1
            wire = wire[size:]
        return wire

    def _note(self, channel: str, offset: int, data: dict[str, Any]) -> None:
        self.diary.append((channel, offset, data))
        if "n" in data:
            self.told.append((offset, data["n"]))
        elif data.get("type") == "lane.skipped":
            self.hidden += data["count"]
        else:
            self.state |= data

    def stalled(self, frame: Frame, sent: int) -> None: ...
    def abort(self) -> None: ...
    def close(self, close: Close) -> None: ...
    def gone(self) -> None: ...

    def heard(self, data: str | bytes) -> bool:
        return False

    def slow(self) -> None:
        """Its session closes: it hears of nothing any more."""
        self.is_slow = True
        self.backlog.clear()
        self.leave()

    def placed(self) -> None:
        self.hub.place(self, self.names)

    def snapshot(self, name: str) -> Frame | None:
        return self.hub.channels[name].snapshot_frame(self.codec)

    def leave(self) -> None:
        """Everything."""
        for name in self.names:
            self.hub.leave(self, name)
        self.names.clear()

    def insufficient(self, name: str) -> None:
        self.sent_away.append(name)

    async def join(self, name: str, since: Position | None = None) -> Start:
        """Subscribe as a connection does, in one turn; what was missed is told first.

        Its reply's position is where `told` begins, unless it recovered.
        """
        channel = await self.hub.warm(name)
        if since is not None:
            await self.hub.catch_up(channel, since)
        start = self.hub.begin(channel, since)
        if isinstance(start.recovered, Recovered):
            self._recover(name, start.recovered.publications)
        if (whole := channel.snapshot(self.codec)) is not None:
            self._note(name, 0, msgspec.json.decode(msgspec.json.encode(whole.data)))
        missed = self.hub.join(self, channel, member(self), start.position)
        assert not isinstance(missed, Gap)
        self.names.append(name)
        self._recover(name, missed)
        return start

    def _recover(self, name: str, publications: list[Publication]) -> None:
        for p in publications:
            self._note(name, p.offset, msgspec.msgpack.decode(p.data))

    @property
    def numbers(self) -> list[int]:
        return [n for _, n in self.told]


class Reader(SocketSink, Viewer):
    """A viewer behind a real socket, that reads when told; little fits in between."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self.kernel, self.other = socket.socketpair()
        self.kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.kernel.setblocking(False)
        self.other.setblocking(False)
        self.wants = self.aborted = False
        self._rest = b""
        self.drain()

    def want(self) -> None:
        self.wants = True

    def abort(self) -> None:
        self.aborted = True

    def take(self) -> None:
        """What is in between; what waits behind it stays for now."""
        with suppress(BlockingIOError):
            while data := self.other.recv(65536):
                self._rest = self.hear(self._rest + data)

    def read(self) -> None:
        """All that was sent, and what waits behind it."""
        self.take()
        while self.wants:
            self.wants = False
            self.drain()
            self.take()

    def end(self) -> None:
        """Close the socket; its descriptor is the next one's."""
        self.vanish()
        self.kernel.close()
        self.other.close()

    def gone(self) -> None:
        self.leave()


def head(wire: bytes) -> int:
    """The size of the first frame's head."""
    return {126: 4, 127: 10}.get(wire[1], 2) if len(wire) > 1 else 2


def whole(wire: bytes) -> int:
    """The size of the first frame; more than there is, if it is not whole."""
    if len(wire) < head(wire):
        return len(wire) + 1
    size = wire[1] if head(wire) == 2 else int.from_bytes(wire[2 : head(wire)])
    return head(wire) + size


def member(viewer: Viewer) -> Member:
    return Member(viewer, viewer.codec, "7")


async def turns(count: int = 30) -> None:
    """Let what is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)
