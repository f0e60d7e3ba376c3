"""Likes: counted per connection, summed per process, told once a second.

A client names its total, so a repeat adds nothing. A process adds its sum to the
store's total each second and saves that every ten; a total lost with the store starts
again from the highest this process or SQL knows, so at most ten seconds are lost and
nothing is counted twice.
"""

import asyncio
import logging
from pathlib import Path
from secrets import token_urlsafe
from time import monotonic
from weakref import WeakKeyDictionary

from django.db.models.functions import Greatest
from msgspec import Struct

from chat.commands.comments import Liked, SendLikes
from chat.errors import CLOSED
from chat.events import Likes
from chat.models import LiveRoom
from chat.room import Room, room_of
from realtime import Connection, Script, Unavailable, db, publish, store_key
from realtime.loops import PerLoop
from streams.models import Stream

log = logging.getLogger(__name__)

PER_SECOND = 20
BURST = 40
EVERY_SECONDS = 1.0
SAVE_EVERY = 10
KEEP_SECONDS = 24 * 3600

likes_script = Script(Path(__file__).parent.parent / "lua" / "likes.lua")


class Taps(Struct):
    """What one connection tapped in one stream."""

    total: int
    credited: int
    tokens: float
    at: float

    def credit(self, total: int, now: float) -> int:
        """Take the client's new total; how many likes that is worth."""
        self.tokens = min(BURST, self.tokens + (now - self.at) * PER_SECOND)
        self.at = now
        worth = min(max(0, total - self.total), int(self.tokens))
        self.total = max(self.total, total)
        self.tokens -= worth
        self.credited += worth
        return worth


class Tally(Struct):
    """What this process counted in a stream, and what it knows of the total."""

    id: str
    sum: int
    known: int
    """The total, as last heard."""
    told: int
    saved: int
    added: int = 0
    """How much of `sum` is in `known`."""


class LikeCounter:
    """The tallies of one process."""

    def __init__(self) -> None:
        self._taps: WeakKeyDictionary[Connection, dict[int, Taps]] = WeakKeyDictionary()
        self._tallies: dict[int, Tally] = {}

    async def like(self, connection: Connection, command: SendLikes) -> Liked:
        """Credit a connection's taps. Raises `not_found`, `closed`."""
        room = await room_of(command.stream, connection.user)
        if not room.stream.is_open:
            raise CLOSED()
        now = monotonic()
        taps = self._taps.setdefault(connection, {}).setdefault(
            command.stream, Taps(0, 0, BURST, now)
        )
        if worth := taps.credit(command.total, now):
            self._tally(room).sum += worth
        return Liked(liked=taps.credited)

    def _tally(self, room: Room) -> Tally:
        return self._tallies.setdefault(
            room.stream.pk,
            Tally(token_urlsafe(6), 0, known=room.likes, told=0, saved=room.likes),
        )

    async def run(self) -> None:
        """Add each second, save every tenth, until cancelled."""
        while True:
            for _ in range(SAVE_EVERY):
                await asyncio.sleep(EVERY_SECONDS)
                await self.add()
            await self.save()

    async def add(self) -> None:
        """Bring the totals up and tell them; without a store, next time."""
        for stream, tally in list(self._tallies.items()):
            try:
                if tally.sum > tally.added:
                    await self._add(stream, tally)
                if tally.known != tally.told:
                    likes = Likes(total=tally.known, version=tally.known)
                    await publish(f"state:{stream}", likes)
                    tally.told = likes.total
            except Unavailable:
                return

    async def _add(self, stream: int, tally: Tally) -> None:
        counted = tally.sum
        tally.known = await likes_script(
            [store_key(f"likes:{stream}")],
            [tally.id, counted, tally.added, tally.known, KEEP_SECONDS],
        )
        tally.added = counted

    async def save(self) -> None:
        """Write the totals that grew to SQL, and forget the streams at rest."""
        grown = {}
        for stream, tally in list(self._tallies.items()):
            if tally.known > tally.saved:
                grown[stream] = tally.known
            elif tally.sum == tally.added and tally.told == tally.known:
                del self._tallies[stream]
        try:
            await db(_save, grown)
        except Exception as error:
            log.warning("likes of %d streams wait: %r", len(grown), error)
            return
        for stream, total in grown.items():
            self._tallies[stream].saved = total


def _save(totals: dict[int, int]) -> None:
    """A maximum, so the processes' order does not matter."""
    streams = Stream.objects.filter(pk__in=totals).values_list("pk", flat=True)
    for stream in streams:
        LiveRoom.objects.get_or_create(stream_id=stream)
        LiveRoom.objects.filter(pk=stream).update(
            likes=Greatest("likes", totals[stream])
        )


like_counter = PerLoop(LikeCounter)
