"""One connection to a server of the store: calls of a loop turn leave together.

Neighbours: store.py, which finds the server of a call's key.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any

from hiredis import pack_command
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    MovedError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from realtime.exceptions import UNAVAILABLE, CommandError
from realtime.metrics import store_seconds
from realtime.nodes import CALL_SECONDS

log = logging.getLogger(__name__)

LATE_SECONDS = 0.25
"""A store that takes longer is not waited for by those who can do without it."""
BATCH = 256
WAITING = 20_000
NOT_NOW = (
    AskError,  # what it also is: a slot that moves just now
    BusyLoadingError,
    ClusterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)


Part = bytes | str | int | float


class Unavailable(CommandError):
    """The store is away or out of time: what was asked may or may not have happened."""

    def __init__(self) -> None:
        super().__init__(UNAVAILABLE, {})


class Call(Struct):
    """One command on its way; `again` replaces it if the script is not known there."""

    name: str
    parts: tuple[Part, ...]
    key: str
    future: asyncio.Future[Any]
    again: tuple[Part, ...] | None = None
    until: float = 0.0
    """When it is given up, once nobody knew where its key is."""

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Wire:
    """One connection; one pipeline of at most 256 calls in flight, in order of calling.

    A pipeline that fails or takes longer than 2 s fails every call that waits. Calls
    whose key is elsewhere, which were not carried out, are handed to `moved`.
    """

    def __init__(self, client: Redis, moved: Callable[[list[Call]], None]) -> None:
        self.client = client
        self._moved = moved
        self._calls: deque[Call] = deque()
        self._flight: list[Call] = []
        self._flusher: asyncio.Task[None] | None = None
        self._began = inf
        """When the flight did."""
        self._failed = -inf

    @property
    def is_late(self) -> bool:
        now = asyncio.get_running_loop().time()
        return now - self._began > LATE_SECONDS or now - self._failed < CALL_SECONDS

    def add(self, call: Call) -> None:
        if len(self._calls) >= WAITING:
            call.fail(Unavailable())
            return
        self._calls.append(call)
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush())

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
            self._moved([])
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
        unknown, moved = [], []
        for call, result in zip(calls, results, strict=True):
            if isinstance(result, NoScriptError) and call.again is not None:
                call.parts, call.again = call.again, None
                unknown.append(call)
            elif isinstance(result, MovedError):
                moved.append(call)
            elif isinstance(result, NOT_NOW):
                call.fail(Unavailable())
            elif isinstance(result, Exception):
                call.fail(result)
            elif not call.future.done():
                call.future.set_result(result)
        self._calls.extendleft(reversed(unknown))
        if moved:
            self._moved(moved)

    async def close(self) -> None:
        if self._flusher is not None:
            self._flusher.cancel()
        self._give_up()

    def _give_up(self) -> None:
        for call in (*self._flight, *self._calls):
            call.fail(Unavailable())
        self._calls.clear()
