"""Changes of a Stream's state: asked of `streams.lifecycle`, carried out here.

Each is one transaction that first locks the stream's row, so that all that happens to
a stream happens one after another; a StreamEvent takes the new version as its number,
timers and the outbox row go with it. What no longer fits is dropped. Neighbours:
announcing.py (what is told), signalling.py (signals, after the commit).
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from realtime.exceptions import NOT_FOUND
from streams import database
from streams.actions import announcing
from streams.errors import NO_MEDIA, STREAM_STATE
from streams.events import Media
from streams.lifecycle import (
    End,
    EndReason,
    Event,
    GoLive,
    Lost,
    Refusal,
    Returned,
    Show,
    Shown,
    Step,
    next_step,
)
from streams.models import Ingest, Stream, Timer

log = logging.getLogger(__name__)

WITH_THE_NODE = ("node_lost", "stopped")
"""Reasons of an ingest's end that ended its viewers' sessions too."""


@transaction.atomic
def ingest_started(ingest_id: str, video: str | None, audio: str | None) -> bool:
    """An ingest shows its first picture. False: it is superseded, or too late."""
    stream, ingest = _locked(ingest_id)
    if ingest.state != Ingest.State.CONNECTING:
        return ingest.state != Ingest.State.CLOSED
    before = shown_before(stream)
    step = _ask(stream, Shown(ingest.generation))
    if isinstance(step, Refusal):
        _close(stream, ingest, "superseded")
        return False
    at = _advance(stream, step)
    # First the old one, then the new: one at most shows, also in between.
    if before is not None and before.state != Ingest.State.CLOSED:
        _close(stream, before, "superseded")
    media = Media(video=video, audio=audio)
    _change(
        ingest,
        state=Ingest.State.ACTIVE,
        active_at=at,
        video=video or "",
        audio=audio or "",
    )
    announcing.announce(stream, step, at, media=media, rejoin=_differs(before, ingest))
    return True


@transaction.atomic
def ingest_silent(ingest_id: str) -> None:
    """No RTP has come for two seconds."""
    stream, ingest = _locked(ingest_id)
    if ingest.state == Ingest.State.ACTIVE:
        _change(ingest, state=Ingest.State.SILENT)
        _move(stream, Lost(ingest.generation, closed=False))


@transaction.atomic
def ingest_resumed(ingest_id: str) -> None:
    """RTP came again, with a keyframe."""
    stream, ingest = _locked(ingest_id)
    if ingest.state == Ingest.State.SILENT:
        _change(ingest, state=Ingest.State.ACTIVE)
        _move(stream, Returned(ingest.generation))


@transaction.atomic
def ingest_closed(ingest_id: str, reason: str) -> bool:
    """A publishing session is over. False: it was before. Closes nothing else."""
    stream, ingest = _locked(ingest_id)
    if ingest.state == Ingest.State.CLOSED:
        return False
    if ingest.state != Ingest.State.CONNECTING:
        _move(stream, Lost(ingest.generation, closed=True))
    _close(stream, ingest, reason)
    return True


@transaction.atomic
def go_live(stream_id: int) -> Stream:
    """Begin the show. Raises NO_MEDIA without a picture, STREAM_STATE, NOT_FOUND."""
    stream = locked(stream_id)
    refusal = _move(stream, GoLive())
    if refusal is not None and refusal.why == "no_media":
        raise NO_MEDIA(why="silent" if _show(stream).media == "silent" else "none")
    return _unless(refusal, stream)


@transaction.atomic
def end(stream_id: int, reason: EndReason) -> Stream:
    """End the show for good. Raises STREAM_STATE unless it is open, NOT_FOUND."""
    stream = locked(stream_id)
    return _unless(_move(stream, End(reason)), stream)


@transaction.atomic
def timer_due(timer_id: int) -> None:
    """What a timer waited for happens, unless it no longer fits; once."""
    found = Timer.objects.filter(pk=timer_id).first()
    if found is None:
        return
    stream = locked(found.stream_id)
    timer = Timer.objects.filter(pk=timer_id, version=found.version).first()
    if timer is None:
        return  # another process was first, or the host came back
    timer.delete()
    _move(stream, End("lost" if timer.kind == Timer.Kind.GRACE else "too_long"))


def locked(stream_id: int) -> Stream:
    """The stream, held until the transaction ends. Raises NOT_FOUND."""
    rows = Stream.objects.select_for_update(no_key=True)
    stream = rows.filter(pk=stream_id).first()
    if stream is None:
        raise NOT_FOUND()
    return stream


def shown_before(stream: Stream) -> Ingest | None:
    """The ingest shown last, running or not."""
    return stream.ingests.filter(slot=0, generation=stream.generation).first()


def media_of(stream: Stream) -> Media:
    """What the ingest shown last sends."""
    shown = shown_before(stream)
    if shown is None:
        return Media(video=None, audio=None)
    return Media(video=shown.video or None, audio=shown.audio or None)


def _locked(ingest_id: str) -> tuple[Stream, Ingest]:
    """Both rows as they are once the stream's is ours."""
    found = Ingest.objects.filter(pk=ingest_id).values_list("stream", flat=True).first()
    if found is None:
        raise NOT_FOUND()
    return locked(found), Ingest.objects.get(pk=ingest_id)


def _unless(refusal: Refusal | None, stream: Stream) -> Stream:
    if refusal is not None:
        raise STREAM_STATE(state=stream.state, version=stream.version)
    return stream


def _show(stream: Stream) -> Show:
    showing = stream.ingests.showing().filter(slot=0).first()
    media = "none" if showing is None else showing.state
    return Show.of(stream.state, stream.generation, media)


def _ask(stream: Stream, event: Event) -> Step | Refusal:
    step = next_step(_show(stream), event)
    if isinstance(step, Refusal):
        log.info("stream %d: %r dropped: %s", stream.pk, event, step.why)
    return step


def _move(stream: Stream, event: Event) -> Refusal | None:
    """Ask, carry out, tell. For all events but a first picture."""
    step = _ask(stream, event)
    if isinstance(step, Refusal):
        return step
    at = _advance(stream, step)
    if step.to == "ended":
        for ingest in stream.ingests.running():
            _close(stream, ingest, "ended")
    announcing.announce(stream, step, at, media=media_of(stream), rejoin=False)
    return None


def _advance(stream: Stream, step: Step) -> datetime:
    """The row and its timers; when, by the database's clock."""
    at = database.now()
    stream.state = step.to
    stream.version += 1
    stream.generation = step.generation
    if step.kind == "started":
        stream.started_at = at
    if step.reason is not None:
        stream.ended_at, stream.end_reason = at, step.reason
    stream.save(
        update_fields=[
            "state",
            "version",
            "generation",
            "started_at",
            "ended_at",
            "end_reason",
        ]
    )
    _keep_timers(stream, step, at)
    return at


def _keep_timers(stream: Stream, step: Step, at: datetime) -> None:
    waits = {
        "grace": timedelta(seconds=stream.grace_s),
        "max_length": timedelta(hours=settings.SOUK_STREAM_HOURS),
    }
    stream.timers.filter(kind__in=[*step.timers, *step.stops]).delete()
    for kind in step.timers:
        due = at + waits[kind]
        stream.timers.create(kind=kind, due_at=due, version=stream.version)


def _differs(before: Ingest | None, ingest: Ingest) -> bool:
    """Viewers of `before` cannot go on with `ingest`.

    Other codecs, another place, or the place has begun anew and lost their sessions.
    """
    if before is None:
        return False
    return before.reason in WITH_THE_NODE or (
        before.video,
        before.audio,
        before.node,
    ) != (
        ingest.video,
        ingest.audio,
        ingest.node,
    )


def _change(ingest: Ingest, **fields: object) -> None:
    for name, value in fields.items():
        setattr(ingest, name, value)
    ingest.save(update_fields=list(fields))


def _close(stream: Stream, ingest: Ingest, reason: str) -> None:
    at = database.now()
    _change(ingest, state=Ingest.State.CLOSED, reason=reason, closed_at=at)
    announcing.ingest_closed(stream, ingest, at)
