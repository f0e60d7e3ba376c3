"""Writes comments down behind their showing: each second, or by five hundred.

An answered comment was admitted, not stored: a process killed in between loses at most
its last second from the replay. The id is the primary key, so what another process
wrote, or a moderator removed first, stays as it is.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress

from django.db import DataError, IntegrityError

from chat.models import Comment
from realtime import Unavailable, db
from realtime.loops import PerLoop

log = logging.getLogger(__name__)

BATCH = 500
EVERY_SECONDS = 1.0
WAITING = 20_000


class CommentLog:
    """Rows on their way to SQL; one writer at a time, bounded."""

    def __init__(self) -> None:
        self._rows: deque[Comment] = deque()
        self._many = asyncio.Event()
        self._writing = asyncio.Lock()

    def check_room(self) -> None:
        """Raises `unavailable` while too many wait to take another."""
        if len(self._rows) >= WAITING:
            raise Unavailable

    def add(self, row: Comment) -> None:
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self._many.set()

    async def flush(self) -> None:
        """Write what waits now. Raises what the database raises, keeping the rows."""
        async with self._writing:
            while self._rows:
                batch = [self._rows[n] for n in range(min(BATCH, len(self._rows)))]
                await db(_write, batch)
                for _ in batch:
                    self._rows.popleft()

    async def run(self) -> None:
        """Write until cancelled. While SQL is away the rows wait."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_SECONDS):
                    await self._many.wait()
            self._many.clear()
            try:
                await self.flush()
            except Exception as error:
                log.warning("%d comments wait: %r", len(self._rows), error)
                await asyncio.sleep(EVERY_SECONDS)


def _write(rows: list[Comment]) -> None:
    """All at once; where one cannot be (its stream is gone, its name is too long), the
    others alone.
    """
    try:
        Comment.objects.bulk_create(rows, ignore_conflicts=True)
    except (DataError, IntegrityError):
        if len(rows) == 1:
            log.warning("comment %s cannot be stored", rows[0].pk)
            return
        for row in rows:
            _write([row])


comment_log = PerLoop(CommentLog)
