"""Delivers the room's signals: after the commit, at least once, in a stream's order.

A StreamEvent waits with `due_at` set until every receiver has returned. The sweeper
delivers what a crash or a failing receiver left behind.
"""

import logging
from datetime import timedelta

from django.db.models.functions import Now

from streams.models import Stream, StreamEvent
from streams.signals import stream_ended, stream_started

log = logging.getLogger(__name__)

AGAIN = timedelta(seconds=5)


def deliver(stream_id: int) -> None:
    """Send what is undelivered of a stream, in order, up to the first failure."""
    waiting = StreamEvent.objects.filter(stream=stream_id, due_at__isnull=False)
    for event in waiting.select_related("stream").order_by("seq"):
        delivered = _send(event)
        row = StreamEvent.objects.filter(pk=event.pk)
        row.update(due_at=None if delivered else Now() + AGAIN)
        if not delivered:
            return


def overdue() -> list[int]:
    """Streams with signals that should have been delivered; a hundred at most."""
    late = StreamEvent.objects.filter(due_at__lte=Now())
    return list(late.values_list("stream", flat=True).distinct()[:100])


def _send(event: StreamEvent) -> bool:
    if event.kind == "started":
        answers = stream_started.send_robust(Stream, stream=event.stream)
    else:
        reason = event.stream.end_reason
        answers = stream_ended.send_robust(Stream, stream=event.stream, reason=reason)
    failed = [answer for _, answer in answers if isinstance(answer, Exception)]
    for error in failed:
        log.error("a receiver of %s failed", event, exc_info=error)
    return not failed
