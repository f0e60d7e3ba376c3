"""Pin and remove comments. Every act leaves one ModerationAction a comment."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

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
    """Pin or unpin. On the loop, since the comment may be seconds old.

    Raises `not_found`, `permission_denied`, `too_large` (three are pinned).
    """
    room = await room_of(command.stream, actor)
    if command.on and room.role_of(actor) in STAFF:
        await _write_down(command.stream, command.id)
    return await db(once, actor, command, Pinned, lambda: _pin(actor, command))


async def _write_down(stream: int, id: str) -> None:
    """See that a comment on the screens is in SQL, whichever process holds its row."""
    await comment_log().flush()
    for comment in await in_history(stream):
        if comment.id == id:
            await db(_store, stream, comment)


def _store(stream: int, comment: CommentView) -> None:
    # Without a digest: any body matches, the row of its own process is ignored.
    row = Comment(
        id=comment.id,
        stream_id=stream,
        author_id=comment.author,
        name=comment.name,
        badges=comment.badges,
        kind=comment.kind,
        text=comment.text,
        at=EPOCH + timedelta(milliseconds=comment.at),
        offset_ms=comment.offset_ms,
    )
    Comment.objects.bulk_create([row], ignore_conflicts=True)


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
    verb = Verb.PIN if command.on else Verb.UNPIN
    _log(actor, verb, room.pk, [comment.id], {comment.id: comment.author_id})
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
    room = LiveRoom.objects.filter(pk=stream).first()
    return pinned_in(room) if room else []


def remove_comments(actor: int, command: RemoveComments) -> Removed:
    """Take comments away. In a database thread.

    One that is not stored yet gets a tombstone, which its row cannot overwrite; ids of
    another stream are left alone. Raises `not_found`, `permission_denied`.
    """
    return once(actor, command, Removed, lambda: _remove(actor, command))


def _remove(actor: int, command: RemoveComments) -> Removed:
    role = _staff_role(actor, command.stream)
    room = _locked_room(command.stream)
    known = Comment.objects.in_bulk(command.ids)
    ids = [
        id
        for id in dict.fromkeys(command.ids)
        if id not in known or known[id].stream_id == room.pk
    ]
    gone = {id for id in ids if id in known and known[id].removed_at is not None}
    if acted := [id for id in ids if id not in gone]:
        _bury(room.pk, acted)
        authors = {id: known[id].author_id for id in acted if id in known}
        _log(actor, Verb.REMOVE, room.pk, acted, authors)
        publish_on_commit(f"deals:{room.pk}", CommentsRemoved(ids=acted, by_role=role))
        _unpin_all(room, acted)
    return Removed(removed=ids)


def _bury(stream: int, ids: list[str]) -> None:
    """Rows there are, and rows that are still on their way."""
    now = timezone.now()
    Comment.objects.bulk_create(
        [Comment(id=id, stream_id=stream, at=now, removed_at=now) for id in ids],
        ignore_conflicts=True,
    )
    Comment.objects.filter(stream=stream, pk__in=ids, removed_at=None).update(
        removed_at=Now()
    )


def _unpin_all(room: LiveRoom, ids: list[str]) -> None:
    left = [id for id in room.pinned if id not in ids]
    if left != room.pinned:
        room.pinned = left
        _repin(room)


def _log(
    actor: int,
    verb: ModerationAction.Verb,
    stream: int,
    ids: Iterable[str],
    authors: Mapping[str, int | None],
) -> None:
    ModerationAction.objects.bulk_create(
        ModerationAction(
            actor_id=actor,
            verb=verb,
            stream_id=stream,
            target_id=id,
            target_user_id=authors.get(id),
        )
        for id in ids
    )
