"""What time brings about: timers, dead nodes, signals that were left behind.

Every web process sweeps each second; rows say what is due, and two sweepers do no harm.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from django.db import DatabaseError
from django.db.models.functions import Now

from realtime import CommandError, db
from streams.actions import lifecycle, nodes, signalling
from streams.models import Timer
from streams.models.nodes import FRESH

log = logging.getLogger(__name__)

SECONDS = 1.0
AT_ONCE = 100


def fire_timers() -> None:
    """A hundred at most; each in its own transaction."""
    due = Timer.objects.filter(due_at__lte=Now()).order_by("due_at")
    for timer in list(due.values_list("pk", flat=True)[:AT_ONCE]):
        lifecycle.timer_due(timer)


def deliver_signals() -> None:
    for stream in signalling.overdue():
        signalling.deliver(stream)


class Sweeper:
    """One process's."""

    def __init__(self) -> None:
        self._well_since = time.monotonic()

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            well = await self._do(fire_timers) and await self._do(deliver_signals)
            if not well:
                self._well_since = time.monotonic()
            # While the database was away no node could say that it lives.
            elif time.monotonic() - self._well_since > FRESH.total_seconds():
                await self._do(nodes.lose_the_dead)
            await asyncio.sleep(SECONDS)

    async def _do(self, job: Callable[[], None]) -> bool:
        try:
            await db(job)
        except (DatabaseError, CommandError) as error:
            log.warning("%s: %s", job.__name__, error)
            return False
        except Exception:
            log.exception("%s", job.__name__)
        return True


async def sweep() -> None:
    await Sweeper().run()
