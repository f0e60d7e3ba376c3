"""N1–N4: what SQL shows of a stream's life, checked; `souk audit_streams`."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby

import msgspec
from django.conf import settings
from django.db.models import Count, F
from django.db.models.functions import Now

from realtime.audit import Finding
from realtime.models import OutboxEvent
from streams.lifecycle import LEADS_TO
from streams.models import Ingest, Stream, StreamEvent, Timer

LATE = timedelta(seconds=10)


def findings() -> Iterator[Finding]:
    yield from _history()
    yield from _outbox()
    yield from _ingests()
    yield from _ends()
    yield from _overdue()


def _named(stream: int) -> str:
    return f"stream {stream}"


def _history() -> Iterator[Finding]:
    """N1: seqs are 1 … version; the last transition gives the state."""
    rows = StreamEvent.objects.order_by("stream", "seq")
    by_stream = {
        stream: list(events)
        for stream, events in groupby(
            rows.values_list("stream", "seq", "kind"), lambda row: row[0]
        )
    }
    for stream in Stream.objects.only("version", "state"):
        events = by_stream.get(stream.pk, [])
        seqs = [seq for _, seq, _ in events]
        if seqs != list(range(1, stream.version + 1)):
            yield Finding("N1", _named(stream.pk), f"seqs are not 1…{stream.version}")
        led = [LEADS_TO[kind] for _, _, kind in events if kind in LEADS_TO]
        if (led[-1] if led else "draft") != stream.state:
            yield Finding(
                "N1", _named(stream.pk), f"its events do not lead to {stream.state}"
            )


def _outbox() -> Iterator[Finding]:
    """N1: each StreamEvent within the outbox's retention was told."""
    since = Now() - timedelta(hours=settings.SOUK_OUTBOX_HOURS - 1)
    told = set()
    for data in OutboxEvent.objects.filter(at__gt=since - LATE).values_list(
        "data", flat=True
    ):
        event = msgspec.msgpack.decode(data)
        if "stream" in event and "version" in event:
            told.add((event["stream"], event["version"]))
    recent = StreamEvent.objects.filter(at__gt=since)
    for stream, seq in recent.values_list("stream", "seq"):
        if (stream, seq) not in told:
            yield Finding("N1", _named(stream), f"event {seq} has no outbox row")


def _ingests() -> Iterator[Finding]:
    """N2: one shows at most, of the stream's generation; none after the end."""
    showing = Ingest.objects.showing()
    for ingest in showing.exclude(generation=F("stream__generation")):
        what = f"generation {ingest.generation} shows"
        yield Finding("N2", _named(ingest.stream_id), what)
    several = showing.values("stream", "slot").annotate(n=Count("pk")).filter(n__gt=1)
    for row in several:
        yield Finding("N2", _named(row["stream"]), f"{row['n']} ingests show")
    over = Ingest.objects.running().filter(stream__ended_at__lt=Now() - LATE)
    for ingest in over:
        yield Finding("N2", _named(ingest.stream_id), "an ingest outlives the end")


def _ends() -> Iterator[Finding]:
    """N3: an end is one, with a time and a reason, and nothing moves after it."""
    ends = Counter(
        StreamEvent.objects.filter(kind="ended").values_list("stream", flat=True)
    )
    for stream in Stream.objects.all():
        is_over = stream.state == Stream.State.ENDED
        whole = bool(stream.ended_at) == bool(stream.end_reason) == is_over
        if ends[stream.pk] != int(is_over) or not whole:
            what = f"{ends[stream.pk]} ends, {stream.state}"
            yield Finding("N3", _named(stream.pk), what)


def _overdue() -> Iterator[Finding]:
    """N4: timers fire and signals are delivered within ten seconds."""
    for timer in Timer.objects.filter(due_at__lt=Now() - LATE):
        yield Finding("N4", _named(timer.stream_id), f"timer {timer.kind} is overdue")
    for event in StreamEvent.objects.filter(due_at__lt=Now() - LATE):
        yield Finding("N4", _named(event.stream_id), f"signal {event.seq} is overdue")
