"""Say something in a live room: shown at once, written down behind it.

gate (memory) → admit (the store, once per author and key) → publish → settle. The
room's cap and the review of texts come between admit and publish.
"""

import re
import time
from datetime import timedelta

import msgspec
from django.db.models import Q

from chat.actions.recent import recent
from chat.commands.comments import (
    Admitted,
    CommentList,
    CommentsJoined,
    ListComments,
    SendComment,
    Standing,
)
from chat.comment_log import comment_log
from chat.errors import CLOSED
from chat.events import CommentSent, CommentView
from chat.identity import comment_id, is_fresh
from chat.models import Comment
from chat.people import name_of
from chat.room import STAFF, Room, room_of
from realtime import (
    Answer,
    New,
    Pending,
    Rate,
    Reused,
    Wait,
    admit,
    db,
    digest_of,
    publish,
    settle,
)
from realtime.exceptions import (
    BAD_REQUEST,
    IN_PROGRESS,
    KEY_REUSED,
    NOT_FOUND,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
)
from streams.clock import EPOCH, epoch_ms, media_ms
from streams.models import Stream
from streams.roles import RoleName, can_watch

CURSOR = re.compile(r"([0-9]{1,15})\.([A-Za-z0-9_-]{16})")
VIEWER = Rate(0.5, burst=5)
SERVICE = Rate(5, burst=5)
"""How often one may speak; who moderates may always."""


async def send_comment(author: int, command: SendComment) -> Admitted:
    """Show a comment to everybody in the stream. On the loop.

    Raises `not_found`, `closed`, `too_many_requests`, `in_progress`, `key_reused`,
    `unavailable` (the store is away, or too many comments wait to be stored).
    """
    room = await room_of(command.stream, author)
    role, name = room.role_of(author), await name_of(author)
    digest = digest_of(command)
    row = _row(author, name, role, room.stream, command)
    known = None
    if not (room.stream.is_open and is_fresh(command.key, epoch_ms(row.at))):
        # Older than what the store remembers, or no longer to be decided anew.
        known = await db(_stored_answer, row.id, digest)
    if known is not None:
        return known
    if not room.stream.is_open:
        raise CLOSED()
    comment_log().check_room()
    match await admit(author, row.id, digest, rates=_rates(role)):
        case New():
            return await _show(row, exempt=role in STAFF)
        case Answer(data):
            return msgspec.msgpack.decode(data, type=Admitted)
        case Pending():
            raise IN_PROGRESS()
        case Wait(ms):
            raise TOO_MANY_REQUESTS(retry_after_ms=ms)
        case Reused():
            raise KEY_REUSED(method="comment.send")


def _row(
    author: int, name: str, role: RoleName, stream: Stream, command: SendComment
) -> Comment:
    now = time.time_ns() // 1_000_000
    return Comment(
        id=comment_id(author, command.key),
        stream_id=stream.pk,
        author_id=author,
        name=name,
        badges=[] if role == "viewer" else [role],
        text=command.text,
        at=EPOCH + timedelta(milliseconds=now),
        offset_ms=media_ms(stream, now),
        digest=digest_of(command),
    )


def _rates(role: RoleName) -> list[tuple[str, Rate]]:
    if role in STAFF:
        return []
    return [("comment", SERVICE if role == "service" else VIEWER)]


def _stored_answer(id: str, digest: bytes) -> Admitted | None:
    """What the comment's author was told when it was new."""
    row = Comment.objects.filter(pk=id).first()
    if row is None:
        return None
    if row.digest and bytes(row.digest) != digest:
        raise KEY_REUSED(method="comment.send")
    return _admitted(row)


def _admitted(row: Comment) -> Admitted:
    return Admitted(
        id=row.id, state="shown", at=epoch_ms(row.at), offset_ms=row.offset_ms
    )


async def _show(row: Comment, *, exempt: bool) -> Admitted:
    """Publish, write down, remember the answer: from here on a resend finds it."""
    answer = _admitted(row)
    await publish(f"comments:{row.stream_id}", CommentSent.of(row), exempt=exempt)
    comment_log().add(row)
    data = msgspec.msgpack.encode(answer)
    await settle(row.author_id, row.id, bytes(row.digest), data)
    return answer


def list_comments(viewer: int | None, command: ListComments) -> CommentList:
    """A page of what was shown, newest first. Raises `not_found`, `bad_request`."""
    stream = Stream.objects.filter(pk=command.stream).first()
    if stream is None or not can_watch(viewer, stream):
        raise NOT_FOUND()
    rows = Comment.objects.shown().filter(stream=stream)
    if command.cursor:
        rows = rows.filter(_before(command.cursor))
    page = list(rows.order_by("-offset_ms", "-id")[: command.limit + 1])
    shown, more = page[: command.limit], page[command.limit :]
    last = shown[-1] if more else None
    return CommentList(
        items=[CommentView.of(row) for row in shown],
        cursor=f"{last.offset_ms}.{last.id}" if last else "",
    )


def _before(cursor: str) -> Q:
    found = CURSOR.fullmatch(cursor)
    if found is None:
        raise BAD_REQUEST(path="$.cursor", why="not one of ours")
    offset, id = int(found[1]), found[2]
    return Q(offset_ms__lt=offset) | Q(offset_ms=offset, id__lt=id)


async def join_comments(viewer: int | None, stream: int) -> CommentsJoined:
    """What a viewer who comes now is shown at once, and whether they may speak."""
    room = await room_of(stream, viewer)
    return CommentsJoined(recent=await recent(stream), me=_standing(viewer, room))


def _standing(viewer: int | None, room: Room) -> Standing:
    role = room.role_of(viewer)
    if viewer is None:
        return Standing(role=role, may_send=False, why=UNAUTHORIZED.name)
    if not room.stream.is_open:
        return Standing(role=role, may_send=False, why=CLOSED.name)
    return Standing(role=role, may_send=True)
