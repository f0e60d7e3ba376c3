"""The link to the store: finds the server of a key, and none who calls waits long.

Neighbours: nodes.py (where it is), wire.py (how it is told), broker.py and every module
with a script beside it in lua/.
"""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from realtime.embedded import socket_path
from realtime.loops import PerLoop
from realtime.nodes import CALL_SECONDS as CALL_SECONDS
from realtime.nodes import nodes
from realtime.wire import LATE_SECONDS as LATE_SECONDS
from realtime.wire import WAITING, Call, Part, Wire
from realtime.wire import Unavailable as Unavailable

log = logging.getLogger(__name__)

SEEK_SECONDS = 0.05
PREFIX = "souk:s:"


def store_key(tag: str, *parts: str) -> str:
    """`store_key("deals:42", "h")` → `souk:s:{deals:42}:h`.

    Keys of one script share their `tag`, so that a cluster holds them together.
    """
    return ":".join((f"{PREFIX}{{{tag}}}", *parts))


def store_url() -> str:
    """`REDIS_URL`, else the private store's socket."""
    return settings.REDIS_URL or f"unix://{quote(str(socket_path()))}"


class Script:
    """A Lua file; called with KEYS and ARGV it runs in the store.

    Raises `Unavailable`, or `redis.ResponseError` for a mistake in the script.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.source = path.read_bytes()
        self.sha = sha1(self.source, usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str], args: Sequence[Part]) -> Awaitable[Any]:
        return store().run(self, keys, args)


class Store:
    """The servers of a store, each with its `Wire`; a call goes to that of its key."""

    def __init__(self, url: str | None = None) -> None:
        self.nodes = nodes(url or store_url())
        self.publish = "SPUBLISH" if self.nodes.sharded else "PUBLISH"
        self.numsub = "SHARDNUMSUB" if self.nodes.sharded else "NUMSUB"
        self._wires: dict[Redis, Wire] = {}
        self._astray: list[Call] = []
        self._finder: asyncio.Task[None] | None = None

    @property
    def is_late(self) -> bool:
        """A call made now would wait, or be in vain: so it was a moment ago."""
        return any(wire.is_late for wire in self._wires.values())

    def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Part]
    ) -> Awaitable[Any]:
        rest = (len(keys), *keys, *args)
        known = ("EVALSHA", script.sha, *rest)
        again = ("EVAL", script.source, *rest)
        return self._enqueue(script.name, known, keys[0], again)

    def call(self, *parts: Part, key: str = "") -> Awaitable[Any]:
        """One command; its result, or `Unavailable`. `key`: if not what comes first."""
        where = key or (str(parts[1]) if len(parts) > 1 else "")
        return self._enqueue(str(parts[0]), parts, where, None)

    def _enqueue(
        self,
        name: str,
        parts: tuple[Part, ...],
        key: str,
        again: tuple[Part, ...] | None,
    ) -> Awaitable[Any]:
        future = asyncio.get_running_loop().create_future()
        call = Call(name, parts, key, future, again)
        if self._astray:  # nobody overtakes those
            self._seek([call])
        else:
            self._post(call)
        return future

    def _post(self, call: Call) -> None:
        if (client := self.nodes.of(call.key)) is None:
            self._seek([call])
            return
        if client not in self._wires:
            self._wires[client] = Wire(client, self._seek)
        self._wires[client].add(call)

    def _seek(self, calls: list[Call]) -> None:
        """Ask anew where things are, and send these there."""
        if len(self._astray) >= WAITING:
            for call in calls:
                call.fail(Unavailable())
            return
        until = asyncio.get_running_loop().time() + CALL_SECONDS
        for call in calls:
            call.until = call.until or until
        self._astray.extend(calls)
        if self.nodes.sharded and self._finder is None:
            self._finder = asyncio.create_task(self._find())

    async def _find(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    await self.nodes.learn()
                except (RedisError, OSError) as error:
                    log.warning("store: %s", error)
                calls, self._astray = self._astray, []
                for call in calls:
                    if call.until < loop.time():
                        call.fail(Unavailable())
                    else:
                        self._post(call)
                if not self._astray:
                    return
                await asyncio.sleep(SEEK_SECONDS)
        finally:
            self._finder = None

    async def client(self, key: str) -> Redis:
        """Of the server that holds a key. Raises `Unavailable`."""
        if (found := self.nodes.of(key)) is None:
            try:
                await self.nodes.learn()
            except (RedisError, OSError):
                raise Unavailable from None
            found = self.nodes.of(key)
        if found is None:
            raise Unavailable
        return found

    async def close(self) -> None:
        if self._finder is not None:
            self._finder.cancel()
        for call in self._astray:
            call.fail(Unavailable())
        for wire in self._wires.values():
            await wire.close()
        await self.nodes.close()


store = PerLoop(Store)
"""The running loop's link, made when first asked for."""


def lua(name: str) -> Script:
    """A script of this room."""
    return Script(Path(__file__).parent / "lua" / f"{name}.lua")
