"""The subscriber links to a Cluster: each channel at the primary that owns its slot.

Nobody tells a subscriber that its slot has moved when the server that held it is dead:
we look, each second and whenever a server says that a slot left it. Neighbours: link.py
(one of them), broker.py.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from realtime.link import SILENCE_SECONDS, Link, Receive
from realtime.nodes import Nodes
from realtime.store import Unavailable, store_key

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


class Links:
    """As `Link`, to many servers."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._names: set[str] = set()
        self._links: dict[Redis, Link] = {}
        self._moving = False
        self._doubt = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Every name is listened to where it belongs."""
        used = [link for link in self._links.values() if link.names]
        return bool(used) and not self._astray() and all(link.is_up for link in used)

    @property
    def is_mending(self) -> bool:
        return self._moving or any(link.is_mending for link in self._links.values())

    def start(self, receive: Receive, relinked: Callable[[], None]) -> None:
        self._receive = receive
        self._relinked = relinked
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for link in self._links.values():
            await link.close()

    async def subscribe(self, names: list[str]) -> None:
        self._names.update(names)
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                if any(self._owner(name) is None for name in names):
                    await self._nodes.learn()
                await self._place(names)
        except (RedisError, OSError, Unavailable):
            self._names.difference_update(names)
            self._doubt.set()
            raise Unavailable from None

    async def unsubscribe(self, names: list[str]) -> None:
        self._names.difference_update(names)
        for link in self._links.values():
            if held := [name for name in names if link.holds(name)]:
                await link.unsubscribe(held)

    def _owner(self, name: str) -> Redis | None:
        return self._nodes.of(store_key(name))

    def _astray(self) -> list[str]:
        """Names that are not listened to where they belong."""
        return [
            name
            for name in self._names
            if (link := self._links.get(self._owner(name))) is None  # type: ignore[arg-type] # None: no link
            or not link.holds(name)
        ]

    async def _place(self, names: Iterable[str]) -> None:
        """Listen to each at its owner, and nowhere else. Raises `Unavailable`."""
        groups: dict[Redis, list[str]] = {}
        for name in names:
            if (owner := self._owner(name)) is None:
                raise Unavailable
            groups.setdefault(owner, []).append(name)
        await asyncio.gather(
            *(self._link(owner).subscribe(group) for owner, group in groups.items())
        )
        for owner, group in groups.items():
            for client, link in self._links.items():
                held = [name for name in group if link.holds(name)]
                if client is not owner and held:
                    await link.unsubscribe(held)

    def _link(self, client: Redis) -> Link:
        if client not in self._links:
            link = self._links[client] = Link(client, sharded=True)
            link.start(self._receive, self._relinked, self._doubt.set)
        return self._links[client]

    async def _keep(self) -> None:
        """Look whether slots have moved, and follow them."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._doubt.wait()
            except TimeoutError:
                pass
            self._doubt.clear()
            try:
                await self._nodes.learn()
                await self._follow()
            except (RedisError, OSError, Unavailable) as error:
                log.warning("slots: %s", error or type(error).__name__)
                await asyncio.sleep(LOOK_SECONDS / 4)

    async def _follow(self) -> None:
        astray = self._astray()
        if not astray:
            return
        log.warning("%d channels have moved", len(astray))
        self._moving = True  # what comes now may have a hole before it
        try:
            await self._place(astray)
        finally:
            self._moving = False
        self._relinked()
