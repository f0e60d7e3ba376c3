"""A channel as a log: positions, publications, and what a returning reader missed.

Pure. The hub keeps a `Ring` for every channel it listens to; the broker makes
`Publication`s from the bus and from history; `recover` decides alike for clients and
for processes.
"""

from collections import deque
from collections.abc import Iterable
from itertools import islice

from msgspec import Struct

EXEMPT = 1
"""Flag: never shed by a room's load control."""
NO_KEEP = 2
"""Flag: no offset, no history; lost by whoever is not there."""
LATEST = 4
"""Flag: `data` is a map of one key to its newest value; no offset."""
MISSED_BYTES = 1024 * 1024
"""More is not told to one who comes back: it goes into a frame of theirs alone."""


class Position(Struct, frozen=True):
    """Where a reader is. An epoch is one life of a channel's counter in the store."""

    offset: int
    epoch: str


class Publication(Struct, frozen=True):
    """An event as carried: `data` is MessagePack, `at` milliseconds since 1970.

    `offset` is 0 where there is none (`NO_KEEP`, `LATEST`).
    """

    offset: int
    epoch: str
    data: bytes
    flags: int = 0
    at: int = 0


class History(Struct, frozen=True):
    """What the store holds of a channel: its position now, and publications.

    Publications are in offset order (newest first if asked so) and of the position's
    epoch.
    """

    position: Position
    publications: list[Publication]


class Recovered(Struct, frozen=True):
    """All that was missed, in order; perhaps nothing."""

    publications: list[Publication]


class Gap(Struct, frozen=True):
    """What was missed cannot be told; `why`: `epoch`, `ahead`, `trimmed` or `large`."""

    why: str


class Ring:
    """The last `size` publications of one epoch, contiguous by offset."""

    def __init__(self, size: int, held: Iterable[Publication] = ()) -> None:
        self._held: deque[Publication] = deque(maxlen=size)
        for publication in held:
            self.append(publication)

    def __len__(self) -> int:
        return len(self._held)

    def append(self, publication: Publication) -> None:
        """Add the next one. One that does not follow the last begins anew."""
        if self._held and (
            publication.offset != self._held[-1].offset + 1
            or publication.epoch != self._held[-1].epoch
        ):
            self._held.clear()
        self._held.append(publication)

    def clear(self) -> None:
        self._held.clear()

    def between(self, after: int, last: int) -> list[Publication] | None:
        """Publications `after < offset <= last`; None if not all of them are held."""
        if after >= last:
            return []
        if not self._held or self._held[0].offset > after + 1:
            return None
        if self._held[-1].offset < last:
            return None
        start = after + 1 - self._held[0].offset
        return list(islice(self._held, start, start + last - after))


def recover(ring: Ring, since: Position, epoch: str, sent: int) -> Recovered | Gap:
    """What a reader at `since` missed up to `sent`, of a channel now in `epoch`."""
    if since.epoch != epoch:
        return Gap("epoch")
    if since.offset > sent:
        return Gap("ahead")
    missed = ring.between(since.offset, sent)
    if missed is None:
        return Gap("trimmed")
    if sum(len(publication.data) for publication in missed) > MISSED_BYTES:
        return Gap("large")
    return Recovered(missed)
