"""What the media engine tells, carried into SQL: in order, and again until it is in."""

import asyncio
import logging
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError

from realtime import CommandError, db
from streams.actions import lifecycle

log = logging.getLogger(__name__)

WAITING = 10_000
AGAIN_S = 0.5

Fact = Callable[[], bool | None]


class FactQueue:
    """The engine's `Facts`; `refuse` closes a session that SQL does not want."""

    def __init__(self, refuse: Callable[[str, str], None]) -> None:
        self._refuse = refuse
        self._queue: asyncio.Queue[tuple[str, Fact]] = asyncio.Queue(WAITING)

    def ingest_started(
        self, ingest: str, generation: int, video: str | None, audio: str | None
    ) -> None:
        def fact() -> bool:
            return lifecycle.ingest_started(ingest, video, audio)

        self._put(ingest, fact)

    def ingest_silent(self, ingest: str) -> None:
        self._put(ingest, lambda: lifecycle.ingest_silent(ingest))

    def ingest_resumed(self, ingest: str) -> None:
        self._put(ingest, lambda: lifecycle.ingest_resumed(ingest))

    def ingest_closed(self, ingest: str, reason: str) -> None:
        def fact() -> None:
            lifecycle.ingest_closed(ingest, reason)

        self._put(ingest, fact)

    def _put(self, ingest: str, fact: Fact) -> None:
        try:
            self._queue.put_nowait((ingest, fact))
        except asyncio.QueueFull:
            log.error("a fact of ingest …%s is lost", ingest[-4:])

    async def run(self) -> None:
        """Carry until cancelled."""
        while True:
            ingest, fact = await self._queue.get()
            await self._carry(ingest, fact)
            self._queue.task_done()

    async def all_carried(self) -> None:
        await self._queue.join()

    async def _carry(self, ingest: str, fact: Fact) -> None:
        while True:
            try:
                if await db(fact) is False:
                    self._refuse(ingest, "superseded")
                return
            except CommandError as error:
                if error.name == "not_found":  # refused meanwhile: it leaves no row
                    self._refuse(ingest, "refused")
                    return
                log.warning("a fact waits: %s", error)
            except (DatabaseError, InterfaceError) as error:
                log.warning("a fact waits: %s", error)
            except Exception:
                log.exception("a fact of ingest …%s", ingest[-4:])
                return
            await asyncio.sleep(AGAIN_S)
