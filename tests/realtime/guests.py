"""Guests of the hub's random walk, and what must be so of each (R1-R4, R9)."""

import asyncio

import msgspec

from realtime.recovery import Position
from tests.realtime.viewers import Viewer

DEALS, STATE, COMMENTS = "deals:1", "state:1", "comments:1"


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time passes when told."""

    now = 1000.0

    def time(self) -> float:
        return self.now


class Log:
    """What was published."""

    def __init__(self) -> None:
        self.deals: dict[int, Position] = {}
        self.last_of: dict[str, int] = {}
        """Of an epoch of `deals:`, its last offset."""
        self.comments: list[Position] = []

    def comments_until(self, start: Position) -> int:
        return sum(order(at) <= order(start) for at in self.comments)


class Guest:
    """A viewer, what it is on, and what it must have been told by now."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.read = 0
        self.on: set[str] = set()
        self.deals = Position(0, "")
        self.state: dict[str, int] = {}
        self.newest = self.comments = 0
        """The last comment; how many were told, hidden, or sent before it came."""

    def look(self, log: Log) -> None:
        """Read on in the diary: nothing missing, twice, going back, or uncalled for."""
        for name, offset, data in self.viewer.diary[self.read :]:
            assert name in self.on, (name, data)
            if name == DEALS:
                self.follow(log, offset, data["n"])
            elif name == STATE:
                for key, value in data.items():
                    assert value["version"] >= self.state.get(key, 0), data
                    self.state[key] = value["version"]
            elif "count" in data:
                self.comments += data["count"]
            else:
                assert data["n"] > self.newest
                self.newest = data["n"]
                self.comments += 1
        self.read = len(self.viewer.diary)

    def follow(self, log: Log, offset: int, n: int) -> None:
        at, before = log.deals[n], self.deals
        if at.epoch == before.epoch:
            assert offset == before.offset + 1
        else:  # the store began anew while our link was whole
            assert offset == 1
            assert before.offset == log.last_of.get(before.epoch, 0)
        self.deals = at


def order(at: Position) -> tuple[int, int]:
    return int(at.epoch.removeprefix("e")), at.offset


def newest(value: bytes) -> int:
    read: dict[str, int] = msgspec.msgpack.decode(value)
    return read["version"]
