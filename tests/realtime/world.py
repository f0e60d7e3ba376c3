"""A store in memory for tests of the hub: a log a channel, and a bus that may fail.

It is the promise of broker.py and nothing more, so that a test can hold messages back,
lose them, or start a new epoch at any moment.
"""

from collections.abc import Callable, Iterable

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from realtime.exceptions import UNKNOWN_CHANNEL
from realtime.lanes import Keep, Lane, Namespace
from realtime.recovery import (
    EXEMPT,
    LATEST,
    History,
    Position,
    Publication,
)
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
        self.meanwhile = 0
        """How many messages of the bus overtake an answer."""
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

    def set(self, name: str, key: str, value: int | dict[str, int]) -> None:
        packed = msgspec.msgpack.encode(value)
        self.values.setdefault(name, {})[key] = packed
        data = msgspec.msgpack.encode({key: Raw(packed)})
        self._send(name, Publication(0, "", data, LATEST))

    def flush(self, name: str) -> None:
        """FLUSHALL: the next publication counts anew, in a new epoch."""
        self.epoch[name] = self.epoch.get(name, 0) + 1
        self.offset[name] = 0
        self.held[name] = []

    def fail_over(self, name: str, lost: int) -> None:
        """A replica takes over that has not seen the last `lost` publications."""
        left = self.offset.get(name, 0) - lost
        if left <= 0:
            self.flush(name)
            return
        self.offset[name] = left
        self.held[name] = [p for p in self.held[name] if p.offset <= left]

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

    def restart(self) -> None:
        """Our process has ended: nobody listens any more."""
        self.bus.clear()
        self.subscribed.clear()

    async def subscribe(self, names: list[str]) -> None:
        self._reach()
        self.subscribed.update(names)

    async def unsubscribe(self, names: list[str]) -> None:
        self._reach()
        self.subscribed.difference_update(names)
        self.bus = [(name, p) for name, p in self.bus if name not in names]

    async def history(
        self, name: str, since: int | None, limit: int, *, reverse: bool = False
    ) -> History:
        self._reach()
        self.histories += 1
        at = self.position(name)
        after = [
            replace(p, epoch=at.epoch)
            for p in self.held.get(name, [])
            if p.offset > (since or 0)
        ]
        self.deliver(self.meanwhile)
        return History(at, after[:limit])

    async def latest(self, name: str) -> dict[str, bytes]:
        self._reach()
        held = dict(self.values.get(name, {}))
        self.deliver(self.meanwhile)
        return held

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
