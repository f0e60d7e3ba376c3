"""Who somebody is in a stream, and what that lets them do.

host > assistant > moderator > service > viewer. A guest is a viewer who may also watch
a private stream.
"""

from collections.abc import Iterable
from typing import Literal

from django.db.models import F, Q

from realtime import Connection, db
from realtime.exceptions import NOT_FOUND
from streams.models import Role, Stream

RoleName = Literal["host", "assistant", "moderator", "service", "viewer"]
_NAMES: dict[str, RoleName] = {
    "assistant": "assistant",
    "moderator": "moderator",
    "service": "service",
}


def _given(user_id: int, stream: Stream) -> str | None:
    """What the host made of them; the stream's own row wins over that for all."""
    return (
        Role.objects.filter(
            Q(stream=stream) | Q(stream=None), host=stream.host_id, user=user_id
        )
        .order_by(F("stream").desc(nulls_last=True))
        .values_list("role", flat=True)
        .first()
    )


def parts_in(stream: Stream) -> dict[int, str]:
    """Everybody's part in it by user id, guests among them, the host not. One query."""
    rows = Role.objects.filter(
        Q(stream=stream) | Q(stream=None), host=stream.host_id
    ).order_by(F("stream").asc(nulls_first=True))
    return dict(rows.values_list("user", "role"))


def roles_in(user_id: int | None, streams: Iterable[Stream]) -> dict[int, RoleName]:
    """`role_of` for many streams at once; one query."""
    asked = list(streams)
    hosts = {stream.host_id for stream in asked}
    rows = Role.objects.filter(user=user_id, host__in=hosts) if user_id else ()
    given = {(row.host_id, row.stream_id): row.role for row in rows}
    roles: dict[int, RoleName] = {}
    for stream in asked:
        everywhere = given.get((stream.host_id, None), "")
        kind = given.get((stream.host_id, stream.pk), everywhere)
        mine = user_id == stream.host_id
        roles[stream.pk] = "host" if mine else _NAMES.get(kind, "viewer")
    return roles


def role_of(user_id: int | None, stream: Stream) -> RoleName:
    """What they are in the stream; one query unless they are its host or nobody."""
    if user_id is None:
        return "viewer"
    if user_id == stream.host_id:
        return "host"
    return _NAMES.get(_given(user_id, stream) or "", "viewer")


def can_direct(user_id: int | None, stream: Stream) -> bool:
    """The host and assistants publish, begin, end and change a show."""
    return role_of(user_id, stream) in ("host", "assistant")


def can_moderate(user_id: int | None, stream: Stream) -> bool:
    return role_of(user_id, stream) in ("host", "assistant", "moderator")


def can_watch(user_id: int | None, stream: Stream) -> bool:
    """Anybody, but a private stream: those with a part in it."""
    if stream.visibility != Stream.Visibility.PRIVATE:
        return True
    if user_id is None:
        return False
    return user_id == stream.host_id or _given(user_id, stream) is not None


def stream_at(address: str) -> Stream:
    """The stream a channel's address names. Raises NOT_FOUND."""
    number = int(address) if address.isascii() and address.isdecimal() else 0
    plain = str(number) == address and number < 2**63  # "07" would be a second channel
    stream = Stream.objects.filter(pk=number).first() if plain else None
    if stream is None:
        raise NOT_FOUND()
    return stream


def _watch(viewer: int | None, address: str) -> None:
    if not can_watch(viewer, stream_at(address)):
        raise NOT_FOUND()  # as if it were not there


def _moderate(viewer: int | None, address: str) -> None:
    if not can_moderate(viewer, stream_at(address)):
        raise NOT_FOUND()


async def may_watch(connection: Connection, address: str) -> None:
    """For channels `<name>:<stream>`. NOT_FOUND for foreign and unknown alike."""
    await db(_watch, connection.viewer, address)


async def may_moderate(connection: Connection, address: str) -> None:
    """The host, assistants and moderators. Raises NOT_FOUND otherwise."""
    await db(_moderate, connection.viewer, address)
