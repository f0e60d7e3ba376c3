"""Stock ticks: what is left, told on `state:` at most four times a second a row.

A tick may be lost: it is read from the row, the newest wins, and the sweeper's pulse
tells again what changed in the last seconds.
"""

import asyncio
import logging
from collections.abc import Iterable

from django.db import Error as DatabaseError

from commerce.actions.stock import ticks
from realtime import db, publish
from realtime.exceptions import CommandError
from realtime.loops import PerLoop

log = logging.getLogger(__name__)

BETWEEN_SECONDS = 0.25


class Ticker:
    """Collects the rows that changed, and tells of each once a quarter of a second."""

    def __init__(self) -> None:
        self._changed: set[int] = set()
        self._task: asyncio.Task[None] | None = None

    def mark(self, stocks: Iterable[int]) -> None:
        """These rows changed; on the loop."""
        self._changed.update(stocks)
        if self._changed and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._changed:
            changed, self._changed = self._changed, set()
            try:
                for channel, tick in await db(ticks, changed):
                    await publish(channel, tick)
            except (CommandError, DatabaseError) as error:
                log.info("ticks left to the pulse: %s", error)
            await asyncio.sleep(BETWEEN_SECONDS)


ticker = PerLoop(Ticker)
"""The running loop's ticker."""
