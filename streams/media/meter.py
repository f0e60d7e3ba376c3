"""How much comes in: the last two seconds for the health panel, and the flood guard.

Neighbour: publisher.py. The clock comes in.
"""

from collections import deque
from typing import NamedTuple

from streams.media.feedback import Reception
from streams.media.relay import Relay
from streams.media.sdp import Kind

_PACKETS_A_SECOND = 2_000
_FLOOD_S = 10


class _Sample(NamedTuple):
    at: float
    size: int
    frames: int
    expected: int
    received: int


class Meter:
    """`allow` each packet, `tick` twice a second."""

    def __init__(self, max_kbps: int) -> None:
        self.kbps = 0
        self.fps = 0.0
        self.loss_pct = 0.0
        self.flooded = False
        self._bytes_a_second = 2 * max_kbps * 125
        self._size = 0
        self._second = (0, 0, 0)  # which, packets, bytes
        self._over = 0
        self._samples: deque[_Sample] = deque(maxlen=5)

    def allow(self, size: int, now: float) -> bool:
        """False for what is above 2,000 packets/s or twice the agreed bitrate."""
        which, packets, total = self._second
        if which != int(now):
            over = packets > _PACKETS_A_SECOND or total > self._bytes_a_second
            self._over = self._over + 1 if over else 0
            self.flooded = self._over >= _FLOOD_S
            which, packets, total = int(now), 0, 0
        self._second = (which, packets + 1, total + size)
        if packets >= _PACKETS_A_SECOND or total >= self._bytes_a_second:
            return False
        self._size += size
        return True

    def tick(self, now: float, reception: dict[Kind, Reception], relay: Relay) -> None:
        """Take a sample; figures are over at most the last two seconds."""
        counts = [(r.expected, r.received) for r in reception.values()]
        expected, received = (sum(column) for column in zip(*counts, strict=True))
        frames = relay.tracks["video"].frames
        new = _Sample(now, self._size, frames, expected, received)
        self._samples.append(new)
        old = self._samples[0]
        if (seconds := new.at - old.at) <= 0:
            return
        self.kbps = round((new.size - old.size) / seconds / 125)
        self.fps = round((new.frames - old.frames) / seconds, 1)
        due = new.expected - old.expected
        lost = due - (new.received - old.received)
        self.loss_pct = round(max(0.0, 100 * lost / due), 2) if due > 0 else 0.0
