"""This process's subscribers: channels, who listens, what each has been told.

One thread, the loop's. The broker calls `receive` for every publication of a channel
that `warm` has subscribed to; the pump tells the members. Neighbours: channel.py (one
channel), pump.py (slices), recovery.py (what a returning reader missed).
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from msgspec import Raw, Struct

from realtime.bucket import Member
from realtime.channel import CALM, Channel, Listener, values
from realtime.controller import Setting
from realtime.lanes import Lane, Namespace
from realtime.loops import Errands
from realtime.metrics import gaps
from realtime.pump import SLICE, Pump
from realtime.recovery import (
    LATEST,
    Gap,
    History,
    Position,
    Publication,
    Recovered,
    recover,
)
from realtime.source import Source, Tap

logger = logging.getLogger(__name__)

COOL_SECONDS = 10.0
"""How long a channel nobody is left on is still listened to."""
FILL_SECONDS = 1.0
FILL_LIMIT = 1000
WAITING = 10_000


class Start(Struct, frozen=True):
    """Where a member begins, and what it had missed until there."""

    position: Position
    recovered: Recovered | Gap | None


class Hub:
    """Channels by name, all on one loop."""

    def __init__(
        self,
        source: Source,
        namespace_of: Callable[[str], Namespace],
        slice_size: int = SLICE,
        calm: Setting = CALM,
    ) -> None:
        self._calm = calm
        self.source = source
        self._namespace_of = namespace_of
        self._pump = Pump(slice_size)
        self.taps: dict[str, Tap] = {}
        """Channels this process itself reads; they never cool."""
        self._errands = Errands()
        self._holding = False
        self.channels: dict[str, Channel] = {}

    async def warm(self, name: str) -> Channel:
        """Listen to a channel and know its recent past; many callers, one effort.

        It stays for 10 s at least. Raises `UNKNOWN_CHANNEL` and what the source raises.
        """
        channel = self.channels.get(name)
        if channel is None:
            namespace = self._namespace_of(name)
            channel = Channel(name, namespace.lane, namespace.keep, self._calm)
            self.channels[name] = channel
            channel.warming = self._errands.begin(
                self._warm(channel, namespace.keep.count)
            )
        if channel.warming is not None:
            await asyncio.shield(channel.warming)
        self._cool_later(channel)
        return channel

    async def _warm(self, channel: Channel, count: int) -> None:
        name = channel.name
        try:
            # Listening comes first. What is published after the history was read waits
            # in `waiting`, so nothing falls between the two.
            await self.source.subscribe([name])
            if channel.lane is Lane.LATEST:
                await self._load(channel)
                channel.changed.clear()
            else:
                history = await self.source.history(name, 0, count)
                channel.adopt(history.position, history.publications)
        except BaseException:
            self.channels.pop(name, None)
            raise
        channel.warming = None
        self._replay(channel)

    async def reload(self, channel: Channel) -> None:
        """Read a latest channel's state again, and tell what differs."""
        await self._load(channel)
        self._tell(channel)

    async def _load(self, channel: Channel) -> None:
        """Read a latest channel's state.

        A value that the bus brought while we read is newer than what we read.
        """
        before = dict(channel.state)
        read = await self.source.latest(channel.name)
        state = channel.state
        still = {k: Raw(v) for k, v in read.items() if state.get(k) is before.get(k)}
        channel.change({k: v for k, v in still.items() if v != state.get(k)})

    def begin(self, channel: Channel, since: Position | None) -> Start:
        """Where a reader that was at `since` begins now. It joins there with `join`."""
        if since is None or channel.lane is not Lane.RELIABLE:
            return Start(channel.position, None)
        if since.epoch == channel.epoch and channel.sent < since.offset <= channel.top:
            return Start(since, Recovered([]))  # it had what others are about to get
        return Start(
            channel.position,
            recover(channel.ring, since, channel.epoch, channel.sent),
        )

    async def catch_up(self, channel: Channel, since: Position) -> None:
        """If the reader has seen more than we: another process is ahead, ask the store.

        Waits 1 s at most.
        """
        if since.epoch == channel.epoch and since.offset > channel.top:
            await self.fill(channel)

    def join(
        self, key: Listener, channel: Channel, member: Member, start: Position
    ) -> list[Publication] | Gap:
        """Become a member that has everything up to `start`.

        Returns what it must be given before any pass reaches it, or the gap since
        `start`, and then it is no member.
        """
        missed: list[Publication] | None = []
        if channel.lane is not Lane.LATEST:
            if start.epoch != channel.epoch:
                return Gap("epoch")
            missed = channel.ring.between(start.offset, channel.sent)
            if missed is None and channel.lane is Lane.RELIABLE:
                return Gap("trimmed")
        member.joined = Position(max(start.offset, channel.sent), channel.epoch)
        member.ahead = start.offset > channel.sent
        channel.admit(key, member)
        return missed or []

    def leave(self, key: Listener, name: str) -> None:
        """No byte of the channel reaches its sink from now on."""
        channel = self.channels.get(name)
        if channel is not None and (member := channel.dismiss(key)):
            member.sink.backlog.forget(name)
            if not channel.members:
                self._cool_later(channel)

    def place(self, key: Listener, names: Iterable[str]) -> None:
        """The descriptor of a member's sink has come or gone."""
        for name in names:
            if (channel := self.channels.get(name)) is not None:
                channel.place(key)

    def receive(self, name: str, publication: Publication) -> None:
        """What the bus brought, in the order it came."""
        channel = self.channels.get(name)
        if channel is None:
            return
        if publication.flags & LATEST:
            channel.change(values(publication.data), publication.at)
        else:
            self._take(channel, publication)
        if channel.warming is None:
            self._tell(channel)

    def _take(self, channel: Channel, publication: Publication) -> None:
        if channel.warming or channel.filling or self._holding:
            if len(channel.waiting) < WAITING:  # else a hole, found when we go on
                channel.waiting.append(publication)
            return
        if publication.offset == 0:
            channel.take(publication)
            return
        if publication.epoch == channel.ended:
            return
        if publication.epoch != channel.epoch:
            self.turn(channel, publication.epoch)
        if publication.offset == channel.top + 1:
            channel.take(publication)
        elif publication.offset > channel.top:
            channel.waiting.append(publication)
            channel.filling = self._errands.begin(self._fill(channel))

    def hold(self) -> None:
        """The link was broken: what comes waits until it is known what did not come."""
        self._holding = True

    def release(self) -> None:
        """Take what has waited."""
        self._holding = False
        for channel in list(self.channels.values()):
            if channel.warming is None and channel.filling is None:
                self._replay(channel)

    def turn(self, channel: Channel, epoch: str, offset: int = 0) -> None:
        """The store counts anew from `offset`. The link held, so nothing was missed."""
        if channel.name in self.taps:
            self._tell(channel)
        else:
            self._pump.flush(channel)
        channel.adopt(Position(offset, epoch), [])

    def _tell(self, channel: Channel) -> None:
        if (tap := self.taps.get(channel.name)) is None:
            self._pump.start(channel)
            return
        told, channel.pending = channel.pending, []
        channel.sent = channel.top
        for publication in told:
            tap.hear(publication)

    def steer(self, lag: float) -> None:
        """Each second: adapt what lanes that may lose tell to what can be told."""
        for channel in self.channels.values():
            if channel.lane is not Lane.RELIABLE:
                channel.steer(lag)

    async def fill(self, channel: Channel) -> None:
        """Fetch what is missing, once; what cannot be had is told to the members."""
        if channel.filling is None:
            channel.filling = self._errands.begin(self._fill(channel))
        await asyncio.shield(channel.filling)

    async def _fill(self, channel: Channel) -> None:
        try:
            async with asyncio.timeout(FILL_SECONDS):
                held = await self.source.history(channel.name, channel.top, FILL_LIMIT)
        except Exception as error:
            logger.warning("hole in %s not filled: %r", channel.name, error)
        else:
            self._patch(channel, held)
        channel.filling = None
        self._lose_what_is_missing(channel)
        self._replay(channel)

    def _patch(self, channel: Channel, held: History) -> None:
        if (
            held.position.epoch != channel.epoch
        ):  # what ours ended with is not to be had
            self.lose(channel, held.position)
            return
        for publication in held.publications:
            if publication.offset == channel.top + 1:
                channel.take(publication)
        if channel.top < held.position.offset:
            self.lose(channel, held.position)
        else:
            gaps.labels("filled").inc()

    def _lose_what_is_missing(self, channel: Channel) -> None:
        following = (
            p.offset
            for p in channel.waiting
            if p.epoch == channel.epoch and p.offset > channel.top
        )
        first = min(following, default=0)
        if first > channel.top + 1:
            self.lose(channel, Position(first - 1, channel.epoch))

    def lose(self, channel: Channel, position: Position) -> None:
        """Publications up to `position` are gone: every member must come anew."""
        gaps.labels("lost").inc()
        channel.adopt(position, [])
        members = list(channel.members)
        for key in members:
            self.leave(key, channel.name)
        for key in members:
            key.insufficient(channel.name)
        if (tap := self.taps.get(channel.name)) is not None:
            tap.missed()

    def _replay(self, channel: Channel) -> None:
        waiting, channel.waiting = channel.waiting, []
        for publication in waiting:
            self._take(channel, publication)
        self._tell(channel)

    def _cool_later(self, channel: Channel) -> None:
        """One timer a channel, however many come and go."""
        loop = asyncio.get_running_loop()
        channel.used = loop.time()
        if channel.cooling is None:
            channel.cooling = loop.call_later(COOL_SECONDS, self._cool, channel)

    def _cool(self, channel: Channel) -> None:
        channel.cooling = None
        name, used = channel.name, channel.members or channel.name in self.taps
        if used or self.channels.get(name) is not channel:
            return
        loop = asyncio.get_running_loop()
        if (due := channel.used + COOL_SECONDS) > loop.time():
            channel.cooling = loop.call_at(due, self._cool, channel)
            return
        del self.channels[name]
        self._errands.begin(self._forget(name))

    async def _forget(self, name: str) -> None:
        try:
            await self.source.unsubscribe([name])
        except Exception as error:  # the next link does not ask for it
            logger.info("unsubscribe %s: %r", name, error)

    def close(self) -> None:
        """Stop every timer and task."""
        for channel in self.channels.values():
            if channel.cooling is not None:
                channel.cooling.cancel()
        self._errands.cancel()
