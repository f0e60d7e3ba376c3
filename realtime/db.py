"""`await db(fn, …)`: a query from the loop, in one of a few threads of our own.

Not `database_sync_to_async`: that is one thread for a whole socket, so a quick query
waits behind a slow one.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from threading import Barrier, BrokenBarrierError
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import close_old_connections, connection, connections

from realtime.exceptions import BUSY
from realtime.loops import PerLoop
from realtime.metrics import db_seconds

P = ParamSpec("P")
T = TypeVar("T")

WAITING = 200
WAIT_SECONDS = 2.0
CLOSE_SECONDS = 10.0


class DatabaseThreads:
    """A pool of threads, and a bounded line in front of it."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="db")
        self._free = asyncio.Semaphore(threads)
        self.waiting = 0

    async def run(self, job: Callable[[], T]) -> T:
        began = asyncio.get_running_loop().time()
        await self._enter()
        # Freed when the thread is, not when the caller gives up waiting for it.
        future = self._executor.submit(copy_context().run, _then_close, job)
        loop = asyncio.get_running_loop()

        def leave(_: Future[T]) -> None:
            if not loop.is_closed():
                db_seconds.observe(loop.time() - began)
                loop.call_soon_threadsafe(self._free.release)

        future.add_done_callback(leave)
        return await asyncio.shield(asyncio.wrap_future(future))

    async def _enter(self) -> None:
        if self.waiting >= WAITING:
            raise BUSY(retry_after_ms=1000)
        self.waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise BUSY(retry_after_ms=1000) from None
        finally:
            self.waiting -= 1

    def close(self) -> None:
        """Wait for the jobs that run, then close every thread's connection."""
        together = Barrier(self._threads, timeout=CLOSE_SECONDS)
        for _ in range(self._threads):
            self._executor.submit(_leave, together)
        self._executor.shutdown()


def _leave(together: Barrier) -> None:
    with suppress(BrokenBarrierError):
        together.wait()  # so that each thread has one of these jobs
    connections.close_all()


def _then_close(job: Callable[[], T]) -> T:
    """Run it; then give the connection back, where the database has a pool."""
    try:
        return job()
    finally:
        close_old_connections()


def _threads() -> DatabaseThreads:
    """As many as the pool has connections; SQLite has one writer anyway."""
    given: int = settings.SOUK_DB_THREADS
    return DatabaseThreads(given or (4 if connection.vendor == "sqlite" else 8))


threads = PerLoop(_threads)


async def db(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `fn` in a database thread with the caller's context; its result.

    Raises `BUSY` when 200 wait already, or after 2 s in the line. Giving up on it
    (a deadline, a lost client) does not stop what the thread has begun.
    """
    return await threads().run(lambda: fn(*args, **kwargs))
