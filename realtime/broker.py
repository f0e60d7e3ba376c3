"""Between processes: positions and history in the store, and one subscriber link.

The link's reader only routes. What it hands over may have holes: after a new link,
`relinked` is called so that the hub compares positions (`check`). Neighbours: store.py,
hub.py (or whoever receives), publishing.py.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Raw, Struct

from realtime.bus import pack, unpack
from realtime.channels import namespace_of
from realtime.lanes import Lane
from realtime.link import Link, Receive
from realtime.loops import PerLoop
from realtime.metrics import published
from realtime.recovery import NO_KEEP, History, Position, Publication
from realtime.shards import Links
from realtime.store import lua, store, store_key

META_SECONDS = 30 * 24 * 3600
ONCE_SECONDS = 5 * 60
LATEST_SECONDS = 24 * 3600
LATEST_KEYS = 1024

publish_script = lua("publish")
latest_script = lua("latest")
history_script = lua("history")
renew_script = lua("renew")

_decode_latest = msgspec.msgpack.Decoder(dict[str, Raw]).decode


class Versioned(Struct):
    version: int | None = None


_decode_version = msgspec.msgpack.Decoder(Versioned).decode


def fresh_epoch() -> str:
    return secrets.token_urlsafe(6)


def _position(text: bytes) -> Position:
    offset, epoch = text.split(b" ")
    return Position(int(offset), epoch.decode())


class Broker:
    """Publishes, reads history, and receives what others publish.

    Every call raises `Unavailable` when the store does not answer within 2 s.
    """

    def __init__(self) -> None:
        self.store = store()
        self.link = self._link()

    def _link(self) -> Link | Links:
        client = self.store.nodes.of("")
        if client is None or self.store.nodes.sharded:
            return Links(self.store.nodes)
        return Link(client)

    async def publish(
        self, name: str, publication: Publication, once: int | None = None
    ) -> Position:
        """Give it its offset, keep it, tell every process: one store call.

        `once` is an outbox row's id: a second sending within five minutes reaches
        nobody and returns the first position. `NO_KEEP` and latest values have none
        (offset 0). Raises ValueError when a `state:` channel has too many keys.
        """
        position = await self._publish(name, publication, once)
        published(namespace_of(name).name).inc()
        return position

    async def _publish(
        self, name: str, publication: Publication, once: int | None
    ) -> Position:
        namespace = namespace_of(name)
        if namespace.lane is Lane.LATEST:
            return await self._replace(name, publication)
        envelope = pack(publication)
        if publication.flags & NO_KEEP:
            await self.store.call(
                self.store.publish, store_key(name), b"0 - " + envelope
            )
            return Position(0, "")
        row = "" if once is None else str(once)
        answer = await self.store.run(
            publish_script,
            [store_key(name, "m"), store_key(name, "h"), store_key(name, "1", row)],
            [
                envelope,
                namespace.keep.count,
                namespace.keep.seconds,
                fresh_epoch(),
                self.store.publish,
                store_key(name),
                0 if once is None else ONCE_SECONDS,
                META_SECONDS,
            ],
        )
        return _position(answer)

    async def _replace(self, name: str, publication: Publication) -> Position:
        ((key, value),) = _decode_latest(publication.data).items()
        version = _decode_version(value).version
        done = await self.store.run(
            latest_script,
            [store_key(name, "k"), store_key(name, "v")],
            [
                key,
                "" if version is None else version,
                bytes(value),
                LATEST_SECONDS,
                self.store.publish,
                store_key(name),
                pack(publication),
                LATEST_KEYS,
            ],
        )
        if done == -1:
            raise ValueError(f"{name}: more than {LATEST_KEYS} keys")
        return Position(0, "")

    async def history(
        self,
        name: str,
        since: int | None = None,
        limit: int = 0,
        *,
        reverse: bool = False,
    ) -> History:
        """The channel's position, and at most `limit` publications beyond `since`.

        Oldest first, or newest first (then before `since`).
        """
        epoch, offset, entries = await self.store.run(
            history_script,
            [store_key(name, "m"), store_key(name, "h")],
            [
                "" if since is None else since,
                limit,
                int(reverse),
                fresh_epoch(),
                META_SECONDS,
            ],
        )
        position = Position(offset, epoch.decode())
        held = [
            unpack(int(entry.partition(b"-")[0]), position.epoch, fields[1])
            for entry, fields in entries
        ]
        return History(position, held)

    async def latest(self, name: str) -> dict[str, bytes]:
        """Key → newest value (MessagePack) of a `state:` channel."""
        held = await self.store.call("HGETALL", store_key(name, "k"))
        return {key.decode(): value for key, value in held.items()}

    async def check(self, names: Iterable[str]) -> dict[str, Position]:
        """The store's positions, one pipeline; offset 0, epoch "" where it has none."""
        asked = list(names)
        answers = await asyncio.gather(
            *(self.store.call("HMGET", store_key(n, "m"), "o", "e") for n in asked)
        )
        return {
            name: Position(int(offset or 0), (epoch or b"").decode())
            for name, (offset, epoch) in zip(asked, answers, strict=True)
        }

    async def renew(self, name: str, stale: str) -> str:
        """End an epoch whose offsets went backwards; the epoch now in force."""
        epoch: bytes = await self.store.run(
            renew_script, [store_key(name, "m")], [stale, fresh_epoch(), META_SECONDS]
        )
        return epoch.decode()

    def start(self, receive: Receive, relinked: Callable[[], None]) -> None:
        """Begin to listen; both callbacks run on this loop and must not block.

        `relinked` is called when a broken link is whole again, all names subscribed.
        """
        self.link.start(receive, relinked)

    async def subscribe(self, names: Iterable[str]) -> None:
        """Returns when the store confirmed; raises `Unavailable`."""
        await self.link.subscribe(list(names))

    async def unsubscribe(self, names: Iterable[str]) -> None:
        await self.link.unsubscribe(list(names))

    async def close(self) -> None:
        await self.link.close()


broker = PerLoop(Broker)
"""The running loop's broker; it publishes at once and listens when started."""
