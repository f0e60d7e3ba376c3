"""A store in memory for tests of the hub: a log a channel, and a bus that may fail.

It is the promise of broker.py and nothing more, so that a test can hold messages back,
lose them, or start a new epoch at any moment.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress

import msgspec
from msgspec import Raw

from realtime.backlog import Backlog
from realtime.bucket import Member
from realtime.codecs import JSON, Codec
from realtime.exceptions import UNKNOWN_CHANNEL
from realtime.frames import Frame
from realtime.hub import Hub, Start
from realtime.lanes import Keep, Lane, Namespace
from realtime.protocol import Close
from realtime.recovery import (
    EXEMPT,
    LATEST,
    Gap,
    History,
    Position,
    Publication,
    Recovered,
)
from realtime.sinks import Sink, SocketSink
from realtime.store import Unavailable

NAMESPACES = {
    "deals": Namespace("deals", lane=Lane.RELIABLE, keep=Keep(8, seconds=60)),
    "state": Namespace("state", lane=Lane.LATEST, keep=Keep(0, seconds=0)),
    "comments": Namespace("comments", lane=Lane.SAMPLED, keep=Keep(8, seconds=60)),
    "#7": Namespace("#", lane=Lane.RELIABLE, keep=Keep(8, seconds=60)),
}


def namespace_of(name: str) -> Namespace:
    try:
        return NAMESPACES[name.partition(":")[0]]
    except KeyError:
        raise UNKNOWN_CHANNEL() from None


class Store:
    """Publishing puts a message on the bus; `deliver` takes it from there."""

    def __init__(self) -> None:
        self.epoch: dict[str, int] = {}
        self.offset: dict[str, int] = {}
        self.held: dict[str, list[Publication]] = {}
        self.values: dict[str, dict[str, bytes]] = {}
        self.bus: list[tuple[str, Publication]] = []
        self.subscribed: set[str] = set()
        self.is_away = False
        self.is_cut = False
        """The link: what is published is lost on its way to us."""
        self.histories = 0
        self.receive: Callable[[str, Publication], None] = lambda name, p: None

    def position(self, name: str) -> Position:
        return Position(self.offset.get(name, 0), f"e{self.epoch.get(name, 0)}")

    def publish(
        self, name: str, n: int, text: str = "", *, exempt: bool = False
    ) -> Position:
        self.offset[name] = self.offset.get(name, 0) + 1
        at = self.position(name)
        data = msgspec.msgpack.encode({"n": n, "text": text})
        made = Publication(at.offset, at.epoch, data, EXEMPT if exempt else 0)
        keep = namespace_of(name).keep.count
        self.held[name] = [*self.held.get(name, []), made][-keep:]
        self._send(name, made)
        return at

    def set(self, name: str, key: str, value: int) -> None:
        packed = msgspec.msgpack.encode(value)
        self.values.setdefault(name, {})[key] = packed
        data = msgspec.msgpack.encode({key: Raw(packed)})
        self._send(name, Publication(0, "", data, LATEST))

    def flush(self, name: str) -> None:
        """FLUSHALL: the next publication counts anew, in a new epoch."""
        self.epoch[name] = self.epoch.get(name, 0) + 1
        self.offset[name] = 0
        self.held[name] = []

    def _send(self, name: str, publication: Publication) -> None:
        if name in self.subscribed and not self.is_cut:
            self.bus.append((name, publication))

    def deliver(self, count: int = 1000) -> None:
        """The bus hands over its next messages."""
        for name, publication in self.bus[:count]:
            self.receive(name, publication)
        del self.bus[:count]

    def cut(self) -> None:
        """The link breaks, with what is on it."""
        self.is_cut = True
        self.bus.clear()

    def drop(self) -> None:
        """The bus loses its next message."""
        del self.bus[:1]

    async def subscribe(self, names: list[str]) -> None:
        self._reach()
        self.subscribed.update(names)

    async def unsubscribe(self, names: list[str]) -> None:
        self._reach()
        self.subscribed.difference_update(names)

    async def history(
        self, name: str, since: int | None, limit: int, *, reverse: bool = False
    ) -> History:
        self._reach()
        self.histories += 1
        after = [p for p in self.held.get(name, []) if p.offset > (since or 0)]
        return History(self.position(name), after[:limit])

    async def latest(self, name: str) -> dict[str, bytes]:
        self._reach()
        return dict(self.values.get(name, {}))

    async def check(self, names: Iterable[str]) -> dict[str, Position]:
        self._reach()
        return {
            name: self.position(name) if self.offset.get(name) else Position(0, "")
            for name in names
        }

    async def renew(self, name: str, stale: str) -> str:
        self._reach()
        if self.position(name).epoch == stale:
            self.epoch[name] = self.epoch.get(name, 0) + 1
        return self.position(name).epoch

    def _reach(self) -> None:
        if self.is_away:
            raise Unavailable


class Viewer(Sink):
    """A connection that writes down what it is told; a sink and its owner in one."""

    def __init__(self, hub: Hub, codec: Codec = JSON) -> None:
        self.hub = hub
        self.codec = codec
        self.names: list[str] = []
        self.told: list[tuple[int, int]] = []
        """(offset, n) of each publication."""
        self.frames = self.hidden = 0
        self.state: dict[str, int] = {}
        self.sent_away: list[str] = []
        self.attach(Backlog(codec, self.snapshot), self)

    def write(self, frame: Frame) -> None:
        self.hear(frame.wire)

    def hear(self, wire: bytes) -> bytes:
        """Note what whole frames say; returns the rest."""
        while (size := whole(wire)) <= len(wire):
            self.frames += 1
            for message in wire[4 if wire[1] == 126 else 2 : size].split(b"\n"):
                pub = msgspec.json.decode(message)["push"]["pub"]
                if "n" in pub["data"]:
                    self.told.append((pub.get("offset", 0), pub["data"]["n"]))
                elif pub["data"].get("type") == "lane.skipped":
                    self.hidden += pub["data"]["count"]
                else:
                    self.state |= pub["data"]
            wire = wire[size:]
        return wire

    def stalled(self, frame: Frame, sent: int) -> None: ...
    def abort(self) -> None: ...
    def close(self, close: Close) -> None: ...
    def slow(self) -> None: ...
    def gone(self) -> None: ...

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
            self._note(start.recovered.publications)
        whole = channel.snapshot(self.codec)
        if whole is not None:
            self.state |= msgspec.json.decode(msgspec.json.encode(whole.data))
        missed = self.hub.join(self, channel, member(self), start.position)
        assert not isinstance(missed, Gap)
        self.names.append(name)
        self._note(missed)
        return start

    def _note(self, publications: list[Publication]) -> None:
        for p in publications:
            self.told.append((p.offset, msgspec.msgpack.decode(p.data)["n"]))

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


def whole(wire: bytes) -> int:
    """The size of the first frame; more than there is, if it is not whole."""
    if len(wire) < 2 or (wire[1] == 126 and len(wire) < 4):
        return len(wire) + 1
    return 4 + int.from_bytes(wire[2:4]) if wire[1] == 126 else 2 + wire[1]


def member(viewer: Viewer) -> Member:
    return Member(viewer, viewer.codec, "7")


async def turns(count: int = 30) -> None:
    """Let what is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)
