"""What a change of a stream is told as: a StreamEvent, and one outbox row for clients.

Called inside the transaction of the change, with the stream as it is after it.
"""

from datetime import datetime, timedelta

import msgspec
from django.db import transaction

from realtime import publish_on_commit
from streams.actions import signalling
from streams.clock import epoch_ms
from streams.events import (
    IngestClosed,
    IngestOpened,
    Media,
    StreamChange,
    StreamEnded,
    StreamInterrupted,
    StreamPreviewed,
    StreamRecovered,
    StreamStarted,
)
from streams.lifecycle import Step
from streams.models import Ingest, Stream, StreamEvent

SIGNALS = ("started", "ended")
"""Kinds that the rooms above hear of."""
OVERDUE = timedelta(seconds=5)


def announce(
    stream: Stream, step: Step, at: datetime, *, media: Media, rejoin: bool
) -> None:
    """Write the step down and tell it."""
    event = _event(stream, step, at, media, rejoin)
    record(stream, step.kind, at, {} if event is None else _facts(event))
    if event is not None:
        public = not isinstance(event, StreamPreviewed)
        publish_on_commit(f"{'deals' if public else 'staff'}:{stream.pk}", event)
    if step.kind in SIGNALS:
        number = stream.pk
        transaction.on_commit(lambda: signalling.deliver(number))


def record(stream: Stream, kind: str, at: datetime, data: dict[str, object]) -> None:
    """The StreamEvent of the stream's present version."""
    StreamEvent.objects.create(
        stream=stream,
        seq=stream.version,
        kind=kind,
        data=data,
        at=at,
        due_at=at + OVERDUE if kind in SIGNALS else None,
    )


def ingest_opened(stream: Stream, ingest: Ingest, at: datetime) -> None:
    publish_on_commit(
        f"staff:{stream.pk}",
        IngestOpened(
            stream=stream.pk,
            version=stream.version,
            at=epoch_ms(at),
            ingest=ingest.name,
            generation=ingest.generation,
            by=ingest.by_id,
            agent=ingest.agent,
        ),
    )


def ingest_closed(stream: Stream, ingest: Ingest, at: datetime) -> None:
    publish_on_commit(
        f"staff:{stream.pk}",
        IngestClosed(
            stream=stream.pk,
            version=stream.version,
            at=epoch_ms(at),
            ingest=ingest.name,
            reason=ingest.reason,
        ),
    )


def _facts(event: StreamChange) -> dict[str, object]:
    """The event's own fields, without those that the row has as columns."""
    fields: dict[str, object] = msgspec.to_builtins(event)
    columns = ("type", "stream", "version", "at")
    return {name: value for name, value in fields.items() if name not in columns}


def _event(
    stream: Stream, step: Step, at: datetime, media: Media, rejoin: bool
) -> StreamChange | None:
    """None: a newcomer whose picture simply goes on; its predecessor's end is told."""
    number, version, now = stream.pk, stream.version, epoch_ms(at)
    generation = step.generation
    match step.kind:
        case "previewed":
            return StreamPreviewed(
                stream=number,
                version=version,
                at=now,
                generation=generation,
                media=media,
            )
        case "started":
            return StreamStarted(
                stream=number,
                version=version,
                at=now,
                generation=generation,
                media=media,
            )
        case "interrupted":
            grace = timedelta(seconds=stream.grace_s)
            return StreamInterrupted(
                stream=number, version=version, at=now, grace_until=epoch_ms(at + grace)
            )
        case "ended":
            return StreamEnded(
                stream=number, version=version, at=now, reason=stream.end_reason
            )
        case "withdrawn":
            return None
        case "recovered":
            gap = now - _interrupted_at(stream)
        case "replaced":
            if not (rejoin and stream.is_open):
                return None
            gap = 0
    return StreamRecovered(
        stream=number,
        version=version,
        at=now,
        gap_ms=gap,
        generation=generation,
        rejoin=rejoin,
    )


def _interrupted_at(stream: Stream) -> int:
    last = stream.history.filter(kind="interrupted").latest("seq")
    return epoch_ms(last.at)
