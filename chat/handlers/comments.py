"""`comment.*`, `like.send`, the channel `comments:`, and chat's part of `deals:`."""

from chat.actions import comments, moderation
from chat.actions.likes import like_counter
from chat.commands.comments import (
    Admitted,
    CommentList,
    CommentsJoined,
    DealsJoined,
    Liked,
    ListComments,
    PinComment,
    Pinned,
    RemoveComments,
    Removed,
    SendComment,
    SendLikes,
)
from chat.comment_log import comment_log
from chat.readings import ByKey
from realtime import CommandRouter, Connection, Keep, Lane, Namespace, db
from realtime.loops import PerLoop
from streams.roles import may_watch

router = CommandRouter()
router.namespace(
    Namespace(
        "comments", lane=Lane.SAMPLED, keep=Keep(50, seconds=3600), authorize=may_watch
    )
)


@router.handles()
async def send_comment(connection: Connection, command: SendComment) -> Admitted:
    return await comments.send_comment(connection.user, command)


@router.handles(anonymous=True)
def list_comments(connection: Connection, command: ListComments) -> CommentList:
    return comments.list_comments(connection.viewer, command)


@router.handles()
async def pin_comment(connection: Connection, command: PinComment) -> Pinned:
    return await moderation.pin_comment(connection.user, command)


@router.handles()
async def remove_comments(connection: Connection, command: RemoveComments) -> Removed:
    return await moderation.remove_comments(connection.user, command)


@router.on_subscribe("comments")
async def join_comments(connection: Connection, address: str) -> CommentsJoined:
    return await comments.join_comments(connection.viewer, int(address))


@router.on_subscribe("deals")
async def join_deals(connection: Connection, address: str) -> DealsJoined:
    return DealsJoined(pinned=await _pinned()[int(address)].fresh())


_pinned = PerLoop(lambda: ByKey(lambda stream: db(moderation.pinned_of, stream)))


@router.handles()
async def send_likes(connection: Connection, command: SendLikes) -> Liked:
    return await like_counter().like(connection, command)


@router.runs
async def write_comments() -> None:
    await comment_log().run()


@router.runs
async def count_likes() -> None:
    await like_counter().run()


@router.on_drain
async def write_what_waits() -> None:
    await comment_log().flush()
    await like_counter().add()
    await like_counter().save()
