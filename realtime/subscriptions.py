"""One connection's channels: subscribe and recover, history, counts, leaving.

A join and its reply happen in one turn of the loop, so that a push never comes before
the reply that explains it. Hooks are asked in between: the reply tells the position
from before them, what was published meanwhile follows at once as pushes.
"""

import asyncio
import re
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from realtime.bucket import Member
from realtime.channel import Channel, Listener
from realtime.channels import namespace_of, personal
from realtime.codecs import Codec, pub, push
from realtime.connection import Connection
from realtime.exceptions import (
    ALREADY_SUBSCRIBED,
    BAD_REQUEST,
    LIMIT_EXCEEDED,
    PERMISSION_DENIED,
    UNAVAILABLE,
    UNKNOWN_CHANNEL,
    UNRECOVERABLE_POSITION,
)
from realtime.frames import Frame, frame
from realtime.hub import Hub, Start
from realtime.lanes import Lane
from realtime.metrics import recoveries
from realtime.pending import Answer
from realtime.presence import count
from realtime.protocol import (
    CHANNEL_PATTERN,
    CHANNELS,
    Histories,
    HistoryOf,
    PresenceStats,
    Stats,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from realtime.recovery import Gap, History, Position, Publication, Recovered
from realtime.router import CommandRouter
from realtime.sinks import Sink

T = TypeVar("T")

HOOK_SECONDS = 1.0
HISTORY_LIMIT = 100
FAIL_IF_UNRECOVERABLE = 2
"""A flag of subscribe: refuse, rather than start anew where recovery is impossible."""

_spelled = re.compile(CHANNEL_PATTERN).fullmatch


class Subscriptions:
    """`listener` is told by the hub when publications of a channel were lost."""

    def __init__(
        self,
        hub: Hub,
        router: CommandRouter,
        listener: Listener,
        sink: Sink,
        codec: Codec,
        connection: Connection,
    ) -> None:
        self._hub = hub
        self._router = router
        self._listener = listener
        self._sink = sink
        self._codec = codec
        self.connection = connection
        self.names: set[str] = set()
        self._closed = False

    async def begin_personal(self, since: Position | None) -> tuple[Channel, Start]:
        """Where `#<user>` begins; `complete` joins it there."""
        channel = await self._hub.warm(personal(self.connection.user))
        if since is not None:
            await self._hub.catch_up(channel, since)
        return channel, self._hub.begin(channel, since)

    async def subscribe(self, wish: Subscribe) -> Answer:
        name = wish.channel
        self._check(wish)
        namespace = namespace_of(name)
        address = name.partition(":")[2]
        if namespace.authorize is not None:
            await _brief(namespace.authorize(self.connection, address))
        channel = await self._hub.warm(name)
        since = Position(wish.offset, wish.epoch) if wish.recover else None
        if since is not None:
            await self._hub.catch_up(channel, since)
        start = self._hub.begin(channel, since)
        if wish.flag & FAIL_IF_UNRECOVERABLE and isinstance(start.recovered, Gap):
            raise UNRECOVERABLE_POSITION()
        data = await self._data(namespace.name, address)
        return self.complete(channel, start, data)

    def _check(self, wish: Subscribe) -> None:
        name = wish.channel
        if not _spelled(name):
            raise UNKNOWN_CHANNEL()
        if wish.type:
            raise BAD_REQUEST(path="$.type", why="unknown subscription type")
        if name in self.names:
            raise ALREADY_SUBSCRIBED()
        if name.startswith("#"):
            raise PERMISSION_DENIED()
        if len(self.names) >= CHANNELS:
            raise LIMIT_EXCEEDED(max=CHANNELS)

    async def _data(self, namespace: str, address: str) -> dict[str, Any] | None:
        hooks = self._router.subscribe_hooks.get(namespace, [])
        if not hooks:
            return None
        calls = [hook(self.connection, address) for hook in hooks]
        merged: dict[str, Any] = {}
        for part in await _brief(asyncio.gather(*calls)):
            if part is not None:
                merged |= builtins(part)
        return merged or None

    def complete(self, channel: Channel, start: Start, data: Any = None) -> Answer:
        """Join, now: whoever gets this writes it before the loop turns."""
        if self._closed:
            raise UNAVAILABLE()
        who = str(self.connection.viewer or self.connection.client)
        member = Member(self._sink, self._codec, who)
        missed = self._hub.join(self._listener, channel, member, start.position)
        if isinstance(missed, Gap):  # within the second the hooks took
            raise UNAVAILABLE()
        self.names.add(channel.name)
        reply = self._reply(channel, start, data)
        return Answer(reply, self._frames(channel, missed))

    def _reply(self, channel: Channel, start: Start, data: Any) -> Subscribed:
        if channel.lane is Lane.LATEST:
            whole = channel.snapshot(self._codec)
            return Subscribed(publications=[whole] if whole else [], data=data)
        if channel.lane is Lane.SAMPLED:
            return Subscribed(data=data)
        found = start.recovered
        recovered = isinstance(found, Recovered)
        if found is not None:
            result = found.why if isinstance(found, Gap) else "recovered"
            recoveries.labels(namespace_of(channel.name).name, result).inc()
        return Subscribed(
            recoverable=True,
            positioned=True,
            was_recovering=found is not None,
            recovered=recovered,
            epoch=start.position.epoch,
            offset=start.position.offset,
            publications=[pub(self._codec, p) for p in found.publications]
            if isinstance(found, Recovered)
            else [],
            data=data,
        )

    def _frames(self, channel: Channel, missed: list[Publication]) -> Sequence[Frame]:
        if not missed or channel.lane is Lane.LATEST:
            return ()
        messages = [
            push(self._codec, channel.name, pub=pub(self._codec, p)) for p in missed
        ]
        return (
            frame(self._codec, messages, channel.lane, channel.name, count=len(missed)),
        )

    async def unsubscribe(self, wish: Unsubscribe) -> Answer:
        """Never an error: centrifuge-js would reconnect."""
        if not wish.channel.startswith("#"):
            self.leave(wish.channel)
        return Answer({})

    async def history(self, wish: HistoryOf) -> Answer:
        self._must_be_in(wish.channel)
        limit = min(max(wish.limit, 0), HISTORY_LIMIT)
        offset = wish.since.offset if wish.since else None
        held = await self._hub.source.history(
            wish.channel, offset, limit, reverse=wish.reverse
        )
        if _trimmed(wish, held):
            raise UNRECOVERABLE_POSITION()
        return Answer(
            Histories(
                [pub(self._codec, p) for p in held.publications],
                held.position.epoch,
                held.position.offset,
            )
        )

    async def presence_stats(self, wish: PresenceStats) -> Answer:
        self._must_be_in(wish.channel)
        counted = await count(wish.channel)
        return Answer(Stats(counted.clients, counted.users))

    def _must_be_in(self, name: str) -> None:
        if name not in self.names:
            raise PERMISSION_DENIED()

    def leave(self, name: str) -> None:
        if name in self.names:
            self.names.discard(name)
            self._hub.leave(self._listener, name)

    def close(self) -> None:
        """Leave everything, and join nothing any more."""
        self._closed = True
        for name in list(self.names):
            self.leave(name)


async def _brief(asked: Awaitable[T]) -> T:
    """Rooms' hooks have a second; the client may try again."""
    try:
        async with asyncio.timeout(HOOK_SECONDS):
            return await asked
    except TimeoutError:
        raise UNAVAILABLE() from None


def _trimmed(wish: HistoryOf, held: History) -> bool:
    """The client asked to go on from where history no longer reaches."""
    if wish.since is None:
        return False
    if wish.since.epoch and wish.since.epoch != held.position.epoch:
        return True
    if wish.reverse or not wish.limit or held.position.offset <= wish.since.offset:
        return False
    first = held.publications[0].offset if held.publications else 0
    return first != wish.since.offset + 1


def builtins(value: Struct) -> dict[str, Any]:
    """A Struct as what every codec can encode, with its renamings and omissions."""
    made: dict[str, Any] = msgspec.to_builtins(value, builtin_types=(bytes,))
    return made
