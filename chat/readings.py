"""One reading for all who ask meanwhile.

A thousand viewers who join at once ask the same of SQL. A reading that began before
one of them asked may be older than what that viewer was already told; the next one is
not, and serves all who ask before it begins.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 1.0
STALE_SECONDS = 60.0


class Reading(Generic[T]):
    """What `read` returned last, and when it had begun to."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._running: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None
        self._held: tuple[float, T] | None = None

    async def fresh(self) -> T:
        """A reading that begins after the call. Raises what `read` raises."""
        return await asyncio.shield(self._ahead())

    async def recent(self, seconds: float) -> T:
        """One at most about `seconds` old; a fresh one where there is none.

        Read again in the background from half of that age on, so that whoever asks
        often never waits. When reading fails or takes longer than a second, one up to
        a minute old will do.
        """
        if self._held is None:
            return await self.fresh()
        begun, value = self._held
        age = monotonic() - begun
        if age > seconds:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    return await self.fresh()
            except Exception:
                if age > STALE_SECONDS:
                    raise
        elif age > seconds / 2 and self._running is None:
            self._ahead()
        return value

    def _ahead(self) -> asyncio.Task[T]:
        if self._next is None:
            self._next = asyncio.create_task(self._turn(self._running))
            self._next.add_done_callback(_look)
        return self._next

    async def _turn(self, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        begun = monotonic()
        try:
            value = await self._read()
        finally:
            self._running = None
        self._held = begun, value
        return value


def _look(task: asyncio.Task[T]) -> None:
    """Where nobody waited, the next who asks meets the error."""
    if not task.cancelled():
        task.exception()


class ByKey(Generic[T]):
    """Readings by a number; those asked for least recently are forgotten."""

    def __init__(self, read: Callable[[int], Awaitable[T]], most: int = 1000) -> None:
        self._read = read
        self._most = most
        self._held: dict[int, Reading[T]] = {}

    def __getitem__(self, key: int) -> Reading[T]:
        found = self._held.pop(key, None) or Reading(lambda: self._read(key))
        self._held[key] = found
        if len(self._held) > self._most:
            del self._held[next(iter(self._held))]
        return found
