"""A channel in this process: its log, its state, who listens, what is yet to be told.

Pure. `Hub` moves it; `top` is the last offset received, `sent` the last handed to a
pass. A viewer starts at `sent`, not at `top`: what is pending reaches it with everybody
else.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Protocol

import msgspec
from msgspec import Raw, Struct

from realtime.bucket import Bucket, Member
from realtime.codecs import Codec, pub, push
from realtime.controller import Sample, Setting, fair, step
from realtime.frames import Frame, frame, hidden
from realtime.lanes import Keep, Lane
from realtime.protocol import Pub
from realtime.recovery import EXEMPT, Position, Publication, Ring


class Versioned(Struct):
    version: int = -1


_values = msgspec.msgpack.Decoder(dict[str, Raw])
_version = msgspec.msgpack.Decoder(Versioned)


def values(data: bytes) -> dict[str, Raw]:
    """What a latest publication says: key → value in MessagePack."""
    return {key: raw.copy() for key, raw in _values.decode(data).items()}


def version(value: Raw) -> int:
    """What a value says of itself; −1 where it has no version."""
    try:
        return _version.decode(value).version
    except msgspec.ValidationError:  # no map
        return -1


class Listener(Protocol):
    """A connection, which may lose its place on a channel."""

    def insufficient(self, name: str) -> None:
        """Publications of the channel were lost: subscribe and recover anew."""
        ...


CALM = Setting()
FRAME_BYTES = 65_536
"""Of publications in one frame; more of them make more frames. One too big goes alone.
A reader that stalls holds no more than its cut frame beside its bounded backlog."""


class Load(Struct):
    """What the running second was like so far, and what is left of the budget."""

    told: int = 0
    shed: int = 0
    longest: float = 0.0
    since: float = 0.0
    """When the last pass began, by the loop's clock."""
    allowed: float = 0.0


class Channel:
    """`name`'s publications as this process knows them."""

    def __init__(
        self, name: str, lane: Lane, keep: Keep, setting: Setting = CALM
    ) -> None:
        self.setting = setting
        self.load = Load()
        self.name = name
        self.lane = lane
        self.epoch = ""
        self.ended = ""
        """The epoch before: what the bus still brings of it comes too late."""
        self.top = 0
        self.sent = 0
        self.ring = Ring(max(keep.count, 1))
        self.state: dict[str, Raw] = {}
        self.pending: list[Publication] = []
        self.chosen: list[Publication] = []
        """To be told before what is pending: it did not fit in the frame before."""
        self.changed: dict[str, Raw] = {}
        self.changed_at = 0
        """When the first of them was published, in ms."""
        self.members: dict[Listener, Member] = {}
        self.buckets: dict[str, Bucket] = {}
        self.passes = 0
        self.warming: asyncio.Task[None] | None = None
        self.cooling: asyncio.TimerHandle | None = None
        self.used = 0.0
        """When somebody last came or left, by the loop's clock."""
        self.waiting: list[Publication] = []
        self.filling: asyncio.Task[None] | None = None
        self.doubt = ""
        """An epoch the store spoke of and the bus has not brought yet."""

    @property
    def personal(self) -> bool:
        return self.name.startswith("#")

    @property
    def position(self) -> Position:
        return Position(self.sent, self.epoch)

    def adopt(self, position: Position, held: Iterable[Publication]) -> None:
        """Start (again) at a position of the store, knowing what led up to it."""
        self.ring.clear()
        self.chosen.clear()
        self.pending.clear()
        for publication in held:
            self.ring.append(publication)
        if position.epoch != self.epoch:
            self.ended, self.epoch = self.epoch, position.epoch
        self.top = self.sent = position.offset

    def take(self, publication: Publication) -> None:
        """The next publication, or one without an offset."""
        if publication.offset:
            self.top = publication.offset
            self.ring.append(publication)
        self.pending.append(publication)

    def change(self, values: Mapping[str, Raw], at: int = 0) -> None:
        """Other values of some keys.

        An older version than ours is late: the bus brings it after what was read.
        """
        self.changed_at = self.changed_at or at
        state = self.state
        late = [k for k, v in values.items() if k in state and _late(v, state[k])]
        newer = {k: v for k, v in values.items() if k not in late}
        state.update(newer)
        self.changed.update(newer)

    def admit(self, key: Listener, member: Member) -> None:
        """Whoever is told from the next pass on."""
        self.members[key] = member
        codec = member.codec
        if (bucket := self.buckets.get(codec.name)) is None:
            bucket = self.buckets[codec.name] = Bucket(codec)
        self.tidy()
        bucket.add(member)

    def place(self, key: Listener) -> None:
        """Its sink can be written to by descriptor, or no longer."""
        if (member := self.members.get(key)) is not None:
            self.buckets[member.codec.name].place(member)

    def dismiss(self, key: Listener) -> Member | None:
        """No byte of ours reaches it from now on."""
        if (member := self.members.pop(key, None)) is not None:
            self.buckets[member.codec.name].remove(member)
        return member

    def tidy(self) -> None:
        if self.passes:
            return
        for bucket in self.buckets.values():
            bucket.tidy()

    def flush(self, now: float) -> "Batch":
        """A frame of what is pending, now being told; of a sampled lane a fair part."""
        fresh, self.pending = self.pending, []
        changed, self.changed = self.changed, {}
        changed_at, self.changed_at = self.changed_at, 0
        pending = len(fresh)
        if self.lane is Lane.SAMPLED:
            fresh = fair(fresh, self._allowed(now, fresh))
        self.load.since = now
        shed = pending - len(fresh)
        self.load.shed += shed
        told, self.chosen = _cut([*self.chosen, *fresh])
        offsets = [p.offset for p in told if p.offset]
        self.sent = max([self.sent, *offsets]) if self.chosen else self.top
        return Batch(self.name, self.lane, self.epoch, told, changed, changed_at, shed)

    @property
    def untold(self) -> bool:
        """There is something for the next pass."""
        return bool(self.chosen or self.pending or self.changed)

    def _allowed(self, now: float, told: Sequence[Publication]) -> int:
        """How many the budget lets through; what is left of it lasts a second."""
        load, budget = self.load, self.setting.budget
        common = sum(not p.flags & EXEMPT for p in told)
        load.told += common
        if budget == inf:
            return common
        load.allowed = min(load.allowed + budget * (now - load.since), budget)
        allowed = min(common, int(load.allowed))
        load.allowed -= allowed
        return allowed

    def steer(self, lag: float) -> None:
        """A second has passed, the loop was `lag` seconds late."""
        apart = [m for b in self.buckets.values() for m in b.apart.values()]
        behind = sum(bool(m.sink.backlog) for m in apart) / max(len(self.members), 1)
        load = self.load
        sample = Sample(lag, load.longest, behind, load.told - load.shed, load.shed)
        self.setting = step(self.setting, sample)
        load.told = load.shed = 0
        load.longest = 0.0

    def snapshot(self, codec: Codec) -> Pub | None:
        """A latest channel's whole state as a publication; None while it has none."""
        if not self.state:
            return None
        return Pub(codec.payload(msgspec.msgpack.encode(self.state)))

    def snapshot_frame(self, codec: Codec) -> Frame | None:
        whole = self.snapshot(codec)
        if whole is None:
            return None
        return frame(codec, [push(codec, self.name, pub=whole)], self.lane, self.name)


def _late(value: Raw, held: Raw) -> bool:
    return -1 < version(value) < version(held)


def _cut(
    publications: list[Publication],
) -> tuple[list[Publication], list[Publication]]:
    """What makes a frame, one publication at least, and what is left."""
    size = 0
    for at, publication in enumerate(publications):
        size += len(publication.data)
        if size > FRAME_BYTES and at:
            return publications[:at], publications[at:]
    return publications, []


class Batch:
    """What one pass tells: frames are built once for each codec."""

    def __init__(
        self,
        name: str,
        lane: Lane,
        epoch: str,
        publications: list[Publication],
        changed: dict[str, Raw],
        changed_at: int = 0,
        shed: int = 0,
    ) -> None:
        self.shed = shed
        self.count = len(publications) + bool(changed)
        self.oldest = publications[0].at if publications else changed_at
        """When the first of it was published, in ms; 0: unknown."""
        self._name = name
        self._lane = lane
        self._epoch = epoch
        self._publications = publications
        self._changed = changed
        self._frames: dict[tuple[str, int], Frame] = {}
        self._first = next((p.offset for p in publications if p.offset), 0)

    def had(self, member: Member) -> int:
        """Up to which offset of this a member had it all when it joined; 0: nothing."""
        # One who joined before the epoch began has had nothing of it.
        if not self._first or member.joined.epoch != self._epoch:
            return 0
        return member.joined.offset if member.joined.offset >= self._first else 0

    def frame(self, codec: Codec, had: int = 0) -> Frame:
        """All of it, or what comes after the offset `had`; perhaps no message."""
        key = (codec.name, had)
        if key not in self._frames:
            self._frames[key] = self._build(codec, had)
        return self._frames[key]

    def _build(self, codec: Codec, had: int) -> Frame:
        messages = []
        if self._changed:
            data = codec.payload(msgspec.msgpack.encode(self._changed))
            messages.append(push(codec, self._name, pub=Pub(data)))
        wanted = [p for p in self._publications if not p.offset or p.offset > had]
        messages += [push(codec, self._name, pub=pub(codec, p)) for p in wanted]
        if self.shed:
            messages.append(hidden(codec, self._name, self.shed))
        return frame(
            codec,
            messages,
            self._lane,
            self._name,
            count=len(wanted) + self.shed,
            exempt=all(p.flags & EXEMPT for p in wanted),
            shared=True,
        )
