"""Streams as readers see them: one, at subscribe, in lists."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Follow
from realtime.exceptions import BAD_REQUEST
from streams.actions import lifecycle
from streams.actions.streams import watched
from streams.clock import epoch_ms, epoch_ms_or_none
from streams.commands.streams import (
    ListStreams,
    Person,
    StreamList,
    StreamView,
    SubscribedStream,
)
from streams.models import Stream, Timer
from streams.roles import RoleName, roles_in


def get_stream(viewer: int | None, stream_id: int) -> StreamView:
    """Raises NOT_FOUND."""
    stream = watched(viewer, stream_id)
    return StreamView(**_fields(stream, roles_in(viewer, [stream])[stream.pk]))


def at_subscribe(viewer: int | None, stream_id: int) -> SubscribedStream:
    """The view, with what a joiner needs to show the room as it is. Or NOT_FOUND."""
    stream = watched(viewer, stream_id)
    grace = stream.timers.filter(kind=Timer.Kind.GRACE).first()
    return SubscribedStream(
        **_fields(stream, roles_in(viewer, [stream])[stream.pk]),
        grace_until=epoch_ms(grace.due_at) if grace else None,
        media=lifecycle.media_of(stream),
    )


def list_streams(viewer: int | None, command: ListStreams) -> StreamList:
    """A page of the list asked for; lists of live shows hold public ones only."""
    if command.kind == "mine":
        page, cursor = _newest(Stream.objects.filter(host=viewer), command)
    else:
        live = Stream.objects.live().public()
        if command.kind == "following":
            followed = Follow.objects.filter(follower=viewer).values("target")
            live = live.filter(host__in=followed)
        page, cursor = _most_watched(_filtered(live, command), command)
    roles = roles_in(viewer, page)
    return StreamList([StreamView(**_fields(s, roles[s.pk])) for s in page], cursor)


def _fields(stream: Stream, role: RoleName) -> dict[str, Any]:
    return {
        "stream": stream.pk,
        "host": Person(stream.host_id, str(stream.host)),
        "title": stream.title,
        "text": stream.text,
        "category": stream.category,
        "tags": stream.tags,
        "language": stream.language,
        "visibility": stream.visibility,
        "state": stream.state,
        "version": stream.version,
        "started_at": epoch_ms_or_none(stream.started_at),
        "ended_at": epoch_ms_or_none(stream.ended_at),
        "end_reason": stream.end_reason or None,
        "viewers": stream.viewers,
        "peak": stream.peak,
        "role": role,
    }


def _filtered(rows: QuerySet[Stream], command: ListStreams) -> QuerySet[Stream]:
    if command.category:
        rows = rows.filter(category=command.category)
    if command.language:
        rows = rows.filter(language=command.language)
    return rows


def _newest(rows: QuerySet[Stream], command: ListStreams) -> tuple[list[Stream], str]:
    if command.cursor:
        (number,) = _read(command.cursor, 1)
        rows = rows.filter(pk__lt=number)
    return _page(rows.order_by("-pk"), command.limit, lambda last: (last.pk,))


def _most_watched(
    rows: QuerySet[Stream], command: ListStreams
) -> tuple[list[Stream], str]:
    if command.cursor:
        viewers, number = _read(command.cursor, 2)
        rows = rows.filter(Q(viewers__lt=viewers) | Q(viewers=viewers, pk__lt=number))
    rows = rows.order_by("-viewers", "-pk")
    return _page(rows, command.limit, lambda last: (last.viewers, last.pk))


def _page(
    rows: QuerySet[Stream], limit: int, place: Callable[[Stream], Iterable[int]]
) -> tuple[list[Stream], str]:
    """At most `limit` rows, and the cursor after them; empty if there are no more."""
    page = list(rows.select_related("host")[: limit + 1])
    if len(page) <= limit:
        return page, ""
    return page[:limit], ".".join(map(str, place(page[limit - 1])))


def _read(cursor: str, parts: int) -> list[int]:
    numbers = cursor.split(".")
    if len(numbers) != parts or not all(n.isascii() and n.isdecimal() for n in numbers):
        raise BAD_REQUEST(path="$.cursor")
    return [min(int(number), 2**53) for number in numbers]
