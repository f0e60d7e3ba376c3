"""The link to the store: calls of one loop turn leave together, and none waits long.

Redis protocol, `redis://` or `unix://`. Neighbours: broker.py and every module with a
script beside it in lua/.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Sequence
from hashlib import sha1
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from hiredis import pack_command
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from realtime.embedded import socket_path
from realtime.exceptions import UNAVAILABLE, CommandError
from realtime.loops import PerLoop
from realtime.metrics import store_seconds

log = logging.getLogger(__name__)

CALL_SECONDS = 2.0
LATE_SECONDS = 0.25
"""A store that takes longer is not waited for by those who can do without it."""
BATCH = 256
WAITING = 20_000
PREFIX = "souk:s:"
NOT_NOW = (BusyLoadingError, MasterDownError, OutOfMemoryError, ReadOnlyError)

Part = bytes | str | int | float


class Unavailable(CommandError):
    """The store is away or out of time: what was asked may or may not have happened."""

    def __init__(self) -> None:
        super().__init__(UNAVAILABLE, {})


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


class Call(Struct):
    """One command on its way; `again` replaces it if the script is not known there."""

    name: str
    parts: tuple[Part, ...]
    future: asyncio.Future[Any]
    again: tuple[Part, ...] | None = None

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Store:
    """One connection; one pipeline of at most 256 calls in flight, in order of calling.

    A pipeline that fails or takes longer than 2 s fails every call that waits.
    """

    def __init__(self, url: str | None = None) -> None:
        # Without retries: a call sent twice could take effect twice.
        self.client: Redis = Redis.from_url(
            url or store_url(),
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            socket_connect_timeout=CALL_SECONDS,
        )
        self._calls: deque[Call] = deque()
        self._flight: list[Call] = []
        self._flusher: asyncio.Task[None] | None = None
        self._began = inf
        """When the flight did."""
        self._failed = -inf

    @property
    def is_late(self) -> bool:
        """A call made now would wait, or be in vain: so it was a moment ago."""
        now = asyncio.get_running_loop().time()
        return now - self._began > LATE_SECONDS or now - self._failed < CALL_SECONDS

    def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Part]
    ) -> Awaitable[Any]:
        rest = (len(keys), *keys, *args)
        known = ("EVALSHA", script.sha, *rest)
        return self._enqueue(script.name, known, ("EVAL", script.source, *rest))

    def call(self, *parts: Part) -> Awaitable[Any]:
        """One command; its result, or `Unavailable`."""
        return self._enqueue(str(parts[0]), parts, None)

    def _enqueue(
        self, name: str, parts: tuple[Part, ...], again: tuple[Part, ...] | None
    ) -> Awaitable[Any]:
        if len(self._calls) >= WAITING:
            raise Unavailable
        future = asyncio.get_running_loop().create_future()
        self._calls.append(Call(name, parts, future, again))
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush())
        return future

    async def _flush(self) -> None:
        try:
            while self._calls:
                count = min(BATCH, len(self._calls))
                self._flight = [self._calls.popleft() for _ in range(count)]
                await self._send(self._flight)
        finally:
            self._flusher = None

    async def _send(self, calls: list[Call]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._began = began
        try:
            async with asyncio.timeout(CALL_SECONDS):
                results = await self._exchange(calls)
        except (RedisError, OSError) as error:
            log.warning("store away: %s", error or type(error).__name__)
            # Late answers must not be read as those of later calls.
            await self.client.connection_pool.disconnect()
            self._give_up()
            self._failed = loop.time()
            return
        finally:
            self._began = inf
        self._failed = -inf
        took = loop.time() - began
        for name in {call.name for call in calls}:
            store_seconds.labels(name).observe(took)
        self._settle(calls, results)

    async def _exchange(self, calls: list[Call]) -> list[Any]:
        """All of them in one write; an answer of each, or the store's error.

        As a pipeline of redis-py, but packed in C: that was a third of a publication.
        """
        pool: Any = self.client.connection_pool
        connection = await pool.get_connection()
        try:
            packed = b"".join(
                pack_command(call.parts)  # type: ignore[arg-type] # of any length
                for call in calls
            )
            await connection.send_packed_command(packed)
            return [await self._result(connection, call) for call in calls]
        finally:
            await pool.release(connection)

    async def _result(self, connection: Any, call: Call) -> Any:
        try:
            return await self.client.parse_response(connection, str(call.parts[0]))
        except ResponseError as error:
            return error

    def _settle(self, calls: list[Call], results: list[Any]) -> None:
        unknown = []
        for call, result in zip(calls, results, strict=True):
            if isinstance(result, NoScriptError) and call.again is not None:
                unknown.append(Call(call.name, call.again, call.future))
            elif isinstance(result, NOT_NOW):
                call.fail(Unavailable())
            elif isinstance(result, Exception):
                call.fail(result)
            elif not call.future.done():
                call.future.set_result(result)
        self._calls.extendleft(reversed(unknown))

    async def close(self) -> None:
        if self._flusher is not None:
            self._flusher.cancel()
        self._give_up()
        await self.client.aclose()

    def _give_up(self) -> None:
        for call in (*self._flight, *self._calls):
            call.fail(Unavailable())
        self._calls.clear()


store = PerLoop(Store)
"""The running loop's link, made when first asked for."""


def lua(name: str) -> Script:
    """A script of this room."""
    return Script(Path(__file__).parent / "lua" / f"{name}.lua")
