"""What waits for one viewer whose socket takes nothing at the moment: bounded, by lane.

Pure. Reliable frames wait up to a bound; of a latest channel only a mark stays, its
whole state goes out when there is room; sampled frames are dropped oldest first, and
the viewer is told how many. A frame cut by a short send is always finished first.
"""

from collections.abc import Callable

from realtime.codecs import Codec
from realtime.frames import Frame, skipped
from realtime.lanes import Lane
from realtime.metrics import SHED

RELIABLE_BYTES = 256 * 1024
SAMPLED_BYTES = 64 * 1024


class Full(Exception):
    """More reliable bytes wait than may: the viewer must go and recover."""


class Backlog:
    """`snapshot(channel)` is the frame with a latest channel's whole state, if any."""

    # One a viewer: lists, as an empty deque takes 600 bytes more, and few ever wait.
    __slots__ = (
        *("_codec", "_snapshot", "_cut", "_reliable", "_reliable_bytes"),
        *("_stale", "_sampled", "_sampled_bytes", "_shed"),
    )

    def __init__(
        self, codec: Codec, snapshot: Callable[[str], Frame | None] = lambda _: None
    ) -> None:
        self._codec = codec
        self._snapshot = snapshot
        self._cut = b""
        self._reliable: list[Frame] = []
        self._reliable_bytes = 0
        self._stale: dict[str, None] = {}
        self._sampled: list[Frame] = []
        self._sampled_bytes = 0
        self._shed: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(
            self._cut or self._reliable or self._stale or self._sampled or self._shed
        )

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self._cut) + self._reliable_bytes + self._sampled_bytes

    def cut(self, rest: bytes) -> None:
        """The end of a frame whose beginning the socket has taken."""
        self._cut = rest

    def add(self, frame: Frame) -> None:
        """Keep a frame by its lane; raises `Full`."""
        if frame.lane is Lane.RELIABLE:
            if self._reliable_bytes + len(frame.wire) > RELIABLE_BYTES:
                raise Full
            self._reliable.append(frame)
            self._reliable_bytes += len(frame.wire)
        elif frame.lane is Lane.LATEST:
            self._stale[frame.channel] = None
        else:
            self._sampled.append(frame)
            self._sampled_bytes += len(frame.wire)
            while self._sampled_bytes > SAMPLED_BYTES:
                self._shed_one()

    def take(self) -> bytes:
        """The next bytes to send, a whole frame or the rest of one; empty when done."""
        if self._cut:
            rest, self._cut = self._cut, b""
            return rest
        if self._reliable:
            frame = self._reliable.pop(0)
            self._reliable_bytes -= len(frame.wire)
            return frame.wire
        while self._stale:
            channel = next(iter(self._stale))
            del self._stale[channel]
            if (state := self._snapshot(channel)) is not None:
                return state.wire
        if self._shed:
            return skipped(self._codec, *self._shed.popitem()).wire
        if self._sampled:
            frame = self._sampled.pop(0)
            self._sampled_bytes -= len(frame.wire)
            return frame.wire
        return b""

    def forget(self, channel: str) -> None:
        """Drop what waits of a channel the viewer has left."""
        if not self:
            return
        self._reliable = [f for f in self._reliable if f.channel != channel]
        self._reliable_bytes = sum(len(f.wire) for f in self._reliable)
        self._sampled = [f for f in self._sampled if f.channel != channel]
        self._sampled_bytes = sum(len(f.wire) for f in self._sampled)
        self._stale.pop(channel, None)
        self._shed.pop(channel, None)

    def clear(self) -> None:
        """Drop all but the rest of a cut frame."""
        self._reliable.clear()
        self._sampled.clear()
        self._stale.clear()
        self._shed.clear()
        self._reliable_bytes = self._sampled_bytes = 0

    def _shed_one(self) -> None:
        """Drop the oldest sampled frame, an exempt one only if all are."""
        victim = next((f for f in self._sampled if not f.exempt), self._sampled[0])
        self._sampled.remove(victim)
        self._sampled_bytes -= len(victim.wire)
        shed = self._shed.get(victim.channel, 0)
        self._shed[victim.channel] = shed + victim.count
        SHED["behind"].inc(victim.count)
