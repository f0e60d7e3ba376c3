"""How many watch each open stream of a node: told every two seconds, saved every ten.

A page counts by its subscription to `deals:`, a bare player by its media session.
"""

import time
from collections import Counter
from collections.abc import Iterable

from realtime import count, db, publish
from streams.actions import nodes
from streams.actions.nodes import Room
from streams.events import Viewers
from streams.media.contract import SessionView

SAVE_SECONDS = 10.0
PULSE_SECONDS = 10.0
"""An unchanged count is told again: the store may have been emptied meanwhile."""


class Audience:
    """One node's open rooms. An ended one is saved a last time and forgotten."""

    def __init__(self) -> None:
        self._rooms: dict[int, Room] = {}
        self._told: dict[int, tuple[Viewers, float]] = {}
        self._saved_at = 0.0

    async def tell(
        self, rooms: Iterable[Room], sessions: Iterable[SessionView]
    ) -> None:
        """Count, publish what changed, save what is due. Raises `Unavailable`."""
        known = {room.stream: room for room in rooms}
        over = [room for stream, room in self._rooms.items() if stream not in known]
        bare = _bare(sessions)
        for stream, room in known.items():
            self._rooms[stream] = await self._counted(room, bare[stream])
            await self._publish(stream)
        await self._save(over)
        for room in over:
            del self._rooms[room.stream]
            self._told.pop(room.stream, None)

    async def _counted(self, saved: Room, bare: int) -> Room:
        seen = self._rooms.get(saved.stream, saved)
        counted = await count(f"deals:{saved.stream}")
        now = counted.clients + bare
        peak = max(saved.peak, seen.peak, now)
        total = max(saved.total, seen.total, counted.users + bare, peak)
        return Room(saved.stream, now, peak, total)

    async def _publish(self, stream: int) -> None:
        room = self._rooms[stream]
        viewers = Viewers(now=room.viewers, peak=room.peak, total=room.total)
        told, at = self._told.get(stream, (None, 0.0))
        now = time.monotonic()
        if told != viewers or now - at > PULSE_SECONDS:
            await publish(f"state:{stream}", viewers)
            self._told[stream] = viewers, now

    async def _save(self, over: list[Room]) -> None:
        now = time.monotonic()
        if over or now - self._saved_at > SAVE_SECONDS:
            self._saved_at = now
            await db(nodes.save_audience, list(self._rooms.values()))


def _bare(sessions: Iterable[SessionView]) -> Counter[int]:
    """Viewers without a page: their sessions came without a ticket."""
    return Counter(
        session.stream
        for session in sessions
        if session.kind == "viewer"
        and session.user is None
        and session.state == "active"
    )
