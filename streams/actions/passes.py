"""Where to watch and to publish, and the short-lived passes for it."""

from streams import tickets
from streams.actions.people import refuse_banned
from streams.actions.streams import directed, watched
from streams.commands.streams import Publishing, Watching
from streams.errors import MEDIA_UNAVAILABLE, NOT_LIVE, STREAM_STATE
from streams.models import MediaNode, Stream
from streams.roles import can_direct


def can_play(viewer: int | None, stream: Stream) -> bool:
    """There is a picture for `viewer`, who may watch; a preview is for directors."""
    return stream.is_open or (
        stream.state == Stream.State.PREVIEW and can_direct(viewer, stream)
    )


def watch(viewer: int | None, stream_id: int) -> Watching:
    """Where to play. Raises NOT_FOUND, and NOT_LIVE while there is nothing to see."""
    stream = watched(viewer, stream_id)
    if not can_play(viewer, stream):
        raise NOT_LIVE(state=stream.state)
    ticket = tickets.issue("play", stream.pk, viewer or 0)
    return Watching(
        state=stream.state,
        whep=f"/whep/{stream.pk}",
        ticket=ticket.text,
        expires_at=ticket.expires_at,
        ice_servers=[],
    )


def publish_ticket(user: int, stream_id: int) -> Publishing:
    """Raises NOT_FOUND, STREAM_STATE, PUBLISH_BANNED, MEDIA_UNAVAILABLE."""
    stream = directed(user, stream_id)
    if stream.state == Stream.State.ENDED:
        raise STREAM_STATE(state=stream.state, version=stream.version)
    refuse_banned(user, stream.host_id)
    if not MediaNode.objects.taking().exists():
        raise MEDIA_UNAVAILABLE(retry_after_ms=2000)
    ticket = tickets.issue("publish", stream.pk, user)
    return Publishing(
        whip=f"/whip/{stream.pk}",
        token=ticket.text,
        expires_at=ticket.expires_at,
        ice_servers=[],
    )


def refuse_banned_director(user: int, stream_id: int) -> None:
    """Raises NOT_FOUND unless `user` directs the stream, and PUBLISH_BANNED."""
    stream = directed(user, stream_id)
    refuse_banned(user, stream.host_id)
