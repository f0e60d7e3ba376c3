"""Who gets the same bytes: members of one channel and one codec, with descriptors.

Pure. A member keeps its slot while a pass is under way, so a pass needs no copy: who
leaves is −1 from that moment, whose socket is behind is −1 and stands in `apart`, and
who joins comes after the slots the pass began with. Each slot is served once.
"""

from array import array

from msgspec import Struct

from realtime.codecs import Codec
from realtime.recovery import Position
from realtime.sinks import Sink

HOLES = 64
"""Fewer empty slots are not worth tidying."""


class Member(Struct, eq=False):
    """One connection's membership; a new one each time it joins."""

    sink: Sink
    codec: Codec
    who: str
    """The user's id, or the client's where nobody signed in."""
    joined: Position = Position(0, "")
    """It has everything up to here."""
    ahead: bool = False
    """Another process told it more than has been told here: it must not hear twice."""
    slot: int = -1


class Bucket:
    """`fds[slot]` is the descriptor of `members[slot]`, or −1."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.fds = array("i")
        self.members: list[Member | None] = []
        self.apart: dict[int, Member] = {}
        """By slot: those whom a pass must tell one by one."""
        self._holes = 0

    @property
    def present(self) -> int:
        """How many members it has."""
        return len(self.members) - self._holes

    @property
    def ready(self) -> int:
        """How many of them a pass reaches by descriptor."""
        return self.present - len(self.apart)

    def add(self, member: Member) -> None:
        member.slot = len(self.members)
        self.members.append(member)
        self.fds.append(-1)
        self.place(member)

    def place(self, member: Member) -> None:
        """Its sink can be written to by descriptor, or no longer."""
        fd = -1 if member.ahead else member.sink.fd
        self.fds[member.slot] = fd
        if fd < 0:
            self.apart[member.slot] = member
        else:
            self.apart.pop(member.slot, None)

    def remove(self, member: Member) -> None:
        """No pass reaches it from now on."""
        self.fds[member.slot] = -1
        self.members[member.slot] = None
        self.apart.pop(member.slot, None)
        self._holes += 1

    def among(self, start: int, stop: int) -> list[Member]:
        """Those apart with `start <= slot < stop`."""
        apart = self.apart
        return [apart[s] for s in range(start, stop) if s in apart] if apart else []

    def tidy(self) -> None:
        """Close up the empty slots, if they are many. Not while a pass is under way."""
        if self._holes < HOLES or self._holes * 2 < len(self.members):
            return
        left = [member for member in self.members if member is not None]
        self.members.clear()
        self.apart.clear()
        del self.fds[:]
        self._holes = 0
        for member in left:
            self.add(member)
