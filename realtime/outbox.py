"""Sends what transactions decided: at once after the commit, else by a sweep.

Only processes that run an outbox (web, media) send; any other just leaves its rows in
the table, where a sweep finds them. A row's id silences a second sending in the store,
so two senders do no harm.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from datetime import timedelta
from itertools import islice

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, F, Min
from django.db.models.functions import Now
from django.utils import timezone
from msgspec import Struct

from realtime.broker import broker
from realtime.db import db
from realtime.exceptions import CommandError
from realtime.failpoints import failpoint
from realtime.loops import together
from realtime.models import OutboxEvent
from realtime.publishing import Row, hand_rows_to
from realtime.recovery import Publication
from realtime.store import Unavailable

log = logging.getLogger(__name__)

BATCH = 256
WAITING = 10_000
SWEEP_SECONDS = 1.0
LATE = timedelta(seconds=2)
TIDY_SECONDS = 60.0


def unsent(age: timedelta) -> list[Row]:
    """The oldest rows unsent for `age`, in order.

    Without SKIP LOCKED: it would let a second sweep begin with later rows, and send
    them first. Both may take the same ones, since a row sent twice reaches nobody.
    """
    late = OutboxEvent.objects.filter(sent_at=None, at__lte=Now() - age)
    return [_row(event) for event in late.order_by("id")[:BATCH]]


def _row(event: OutboxEvent) -> Row:
    at = int(event.at.timestamp() * 1000)
    publication = Publication(0, "", bytes(event.data), event.flags, at)
    return Row(event.pk, event.channels, publication)


class Unsent(Struct, frozen=True):
    """Rows not sent yet, and for how many seconds the oldest of them."""

    count: int
    age: float


def waiting() -> Unsent:
    """What the table holds for whoever sends next."""
    rows = OutboxEvent.objects.filter(sent_at=None)
    found = rows.aggregate(count=Count("id"), first=Min("at"))
    age = timezone.now() - found["first"] if found["first"] else timedelta(0)
    return Unsent(found["count"], max(age.total_seconds(), 0))


def mark_sent(ids: list[int]) -> None:
    OutboxEvent.objects.filter(id__in=ids).update(sent_at=Now(), tries=F("tries") + 1)


def tidy() -> None:
    """Throw away rows sent long ago, a thousand at a time."""
    old = Now() - timedelta(hours=settings.SOUK_OUTBOX_HOURS)
    oldest = OutboxEvent.objects.order_by("id").values_list("id", flat=True)[:1000]
    OutboxEvent.objects.filter(id__in=list(oldest), sent_at__lt=old).delete()


class Outbox:
    """A process's sender. While the store is away its rows wait in the table."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._fresh: deque[Row] = deque(maxlen=WAITING)
        self._rung = asyncio.Event()
        self._behind = True

    def add(self, row: Row) -> None:
        """A row just committed; any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, row)

    def _take(self, row: Row) -> None:
        self._fresh.append(row)
        self._rung.set()

    async def run(self) -> None:
        """Send until cancelled."""
        hand_rows_to(self.add)
        try:
            await together(self._send_fresh(), self._tidy())
        finally:
            hand_rows_to(None)

    async def drain(self) -> None:
        """Send what is there, once; for the end of a process."""
        await self._sweep(timedelta(0))

    async def _send_fresh(self) -> None:
        due = self._loop.time() + SWEEP_SECONDS
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._rung.wait()
            # Also when it rings all the time: another process may have died.
            if self._loop.time() >= due:
                await self._sweep(timedelta(0) if self._behind else LATE)
                due = self._loop.time() + SWEEP_SECONDS
                continue
            self._rung.clear()
            # Behind, new rows must not overtake those the sweep is to send.
            if self._behind and not await self._sweep(timedelta(0)):
                await asyncio.sleep(SWEEP_SECONDS)
                self._rung.set()
                continue
            await self._send_waiting()

    async def _send_waiting(self) -> None:
        while self._fresh:
            rows = list(islice(self._fresh, BATCH))
            if not await self._send(rows):
                return
            for _ in rows:
                self._fresh.popleft()

    async def _sweep(self, age: timedelta) -> bool:
        """Send late rows in order; False when something is left for the next time."""
        known = 0 if age else len(self._fresh)
        try:
            while rows := await db(unsent, age):
                if not await self._send(rows):
                    return False
                if len(rows) < BATCH:
                    break
        except (DatabaseError, CommandError) as error:
            log.warning("outbox sweep: %s", error)
            return False
        # Without an age it has sent all that was committed before it began.
        for _ in range(known):
            self._fresh.popleft()
        self._behind = False
        return True

    async def _send(self, rows: list[Row]) -> bool:
        """One pipeline, one UPDATE."""
        try:
            failpoint("outbox.before_publish")
            await self._publish(rows)
            failpoint("outbox.after_publish")
            await db(mark_sent, [row.id for row in rows])
        except (DatabaseError, CommandError) as error:
            log.warning("outbox: %d rows wait: %s", len(rows), error)
            self._behind = True
            return False
        return True

    async def _publish(self, rows: list[Row]) -> None:
        """Raises `Unavailable`; what can never be published is logged and let go."""
        sendings = [(row, channel) for row in rows for channel in row.channels]
        # Tasks start in this order, so every channel gets its rows in theirs.
        results = await asyncio.gather(
            *(broker().publish(c, row.publication, once=row.id) for row, c in sendings),
            return_exceptions=True,
        )
        for (row, channel), result in zip(sendings, results, strict=True):
            if isinstance(result, Unavailable):
                raise result
            if isinstance(result, BaseException):
                log.error("outbox row %d on %s", row.id, channel, exc_info=result)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            try:
                await db(tidy)
            except (DatabaseError, CommandError) as error:
                log.warning("outbox tidy: %s", error)
