"""Pin and remove comments. Every act leaves one ModerationAction a comment."""

from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now

from chat.actions.recent import in_history
from chat.commands.comments import PinComment, Pinned, RemoveComments, Removed
from chat.comment_log import comment_log
from chat.errors import TOO_LARGE
from chat.events import CommentPinned, CommentsRemoved, CommentView
from chat.models import Comment, LiveRoom, ModerationAction
from chat.room import STAFF, room_of
from realtime import db, once, publish_on_commit
from realtime.exceptions import NOT_FOUND, PERMISSION_DENIED
from streams.clock import EPOCH
from streams.models import Stream
from streams.roles import RoleName, can_watch, role_of

PINS = 3
Verb = ModerationAction.Verb


async def pin_comment(actor: int, command: PinComment) -> Pinned:
    """Pin or unpin. On the loop.

    Raises `not_found`, `permission_denied`, `too_large` (three are pinned).
    """
    await _write_down(actor, command.stream, [command.id])
    return await db(once, actor, command, Pinned, lambda: _pin(actor, command))


async def remove_comments(actor: int, command: RemoveComments) -> Removed:
    """Take comments away; ids that are not of this stream are left alone. On the loop.

    Raises `not_found`, `permission_denied`.
    """
    await _write_down(actor, command.stream, command.ids)
    return await db(once, actor, command, Removed, lambda: _remove(actor, command))


async def _write_down(actor: int, stream: int, ids: list[str]) -> None:
    """See that comments on the screens are in SQL, whichever process holds their rows.

    What is written here its own process finds there, and leaves as it is. The digest
    that it alone knows stays empty, which matches any body.
    """
    room = await room_of(stream, actor)
    if room.role_of(actor) not in STAFF:
        return  # refused below
    await comment_log().flush()
    rows = [
        Comment(
            id=one.id,
            stream_id=stream,
            author_id=one.author,
            name=one.name,
            badges=one.badges,
            kind=one.kind,
            text=one.text,
            at=EPOCH + timedelta(milliseconds=one.at),
            offset_ms=one.offset_ms,
        )
        for one in await in_history(stream)
        if one.id in ids
    ]
    await db(Comment.objects.bulk_create, rows, ignore_conflicts=True)


def _staff_role(actor: int, stream_id: int) -> RoleName:
    """The actor's role, if it lets them moderate."""
    stream = Stream.objects.filter(pk=stream_id).first()
    if stream is None or not can_watch(actor, stream):
        raise NOT_FOUND()
    role = role_of(actor, stream)
    if role not in STAFF:
        raise PERMISSION_DENIED()
    return role


def _locked_room(stream: int) -> LiveRoom:
    """The stream's room, its row locked until the commit."""
    LiveRoom.objects.get_or_create(stream_id=stream)
    LiveRoom.objects.filter(pk=stream).update(version=F("version") + 1)
    return LiveRoom.objects.get(pk=stream)


def _pin(actor: int, command: PinComment) -> Pinned:
    _staff_role(actor, command.stream)
    room = _locked_room(command.stream)
    if (command.id in room.pinned) == command.on:
        return Pinned(pinned=pinned_in(room))
    comment = Comment.objects.shown().filter(stream=room.pk, pk=command.id).first()
    if comment is None:
        raise NOT_FOUND()
    if command.on:
        if len(room.pinned) >= PINS:
            raise TOO_LARGE(max=PINS)
        room.pinned.append(comment.id)
    else:
        room.pinned.remove(comment.id)
    _log(actor, Verb.PIN if command.on else Verb.UNPIN, [comment])
    return _repin(room)


def _repin(room: LiveRoom) -> Pinned:
    room.save(update_fields=["pinned"])
    pinned = pinned_in(room)
    publish_on_commit(f"deals:{room.pk}", CommentPinned(pinned=pinned))
    return Pinned(pinned=pinned)


def pinned_in(room: LiveRoom) -> list[CommentView]:
    """The pinned comments, in the order of pinning."""
    rows = Comment.objects.shown().in_bulk(room.pinned)
    return [CommentView.of(rows[id]) for id in room.pinned if id in rows]


def pinned_of(stream: int) -> list[CommentView]:
    """The same, of a stream that may have no room yet."""
    room = LiveRoom.objects.filter(pk=stream).first()
    return pinned_in(room) if room else []


def _remove(actor: int, command: RemoveComments) -> Removed:
    role = _staff_role(actor, command.stream)
    room = _locked_room(command.stream)
    rows = Comment.objects.filter(stream=room.pk, pk__in=command.ids)
    if shown := list(rows.filter(removed_at=None)):
        ids = [row.id for row in shown]
        rows.filter(pk__in=ids).update(removed_at=Now())
        _log(actor, Verb.REMOVE, shown)
        publish_on_commit(f"deals:{room.pk}", CommentsRemoved(ids=ids, by_role=role))
        if any(id in ids for id in room.pinned):
            room.pinned = [id for id in room.pinned if id not in ids]
            _repin(room)
    gone = set(rows.values_list("pk", flat=True))
    return Removed(removed=[id for id in dict.fromkeys(command.ids) if id in gone])


def _log(actor: int, verb: ModerationAction.Verb, targets: list[Comment]) -> None:
    ModerationAction.objects.bulk_create(
        ModerationAction(
            actor_id=actor,
            verb=verb,
            stream_id=target.stream_id,
            target_id=target.id,
            target_user_id=target.author_id,
        )
        for target in targets
    )
