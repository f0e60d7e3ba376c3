"""Streams: made and changed. Their states change in lifecycle.py."""

from typing import Any

import msgspec
from django.db import transaction

from realtime import publish_on_commit
from realtime.exceptions import CONFLICT, NOT_FOUND
from streams import database
from streams.actions import announcing, lifecycle
from streams.actions.people import refuse_banned
from streams.clock import epoch_ms
from streams.commands.streams import CreateStream, UpdateStream
from streams.errors import TOO_MANY
from streams.events import StreamUpdated
from streams.models import Stream
from streams.roles import can_direct, can_watch

MAX_UNENDED = 100
"""Streams of one host that are not over."""


def create_stream(user: int, command: CreateStream) -> Stream:
    """A draft. Raises PUBLISH_BANNED, TOO_MANY."""
    refuse_banned(user)
    mine = Stream.objects.filter(host=user).exclude(state=Stream.State.ENDED)
    if mine.count() >= MAX_UNENDED:
        raise TOO_MANY(max=MAX_UNENDED)
    return Stream.objects.create(host_id=user, **_given(command))


@transaction.atomic
def update_stream(command: UpdateStream) -> Stream:
    """Change what the command gives. Raises CONFLICT on another version."""
    stream = lifecycle.locked(command.stream)
    if stream.version != command.version:
        raise CONFLICT(version=stream.version)
    given = _given(command).items()
    changed = {name: value for name, value in given if getattr(stream, name) != value}
    if not changed:
        return stream
    for name, value in changed.items():
        setattr(stream, name, value)
    stream.version += 1
    stream.save(update_fields=[*changed, "version"])
    at = database.now()
    announcing.record(stream, "updated", at, {"changed": changed})
    publish_on_commit(
        f"deals:{stream.pk}",
        StreamUpdated(
            stream=stream.pk, version=stream.version, at=epoch_ms(at), changed=changed
        ),
    )
    return stream


def directed(user: int | None, stream_id: int) -> Stream:
    """A stream that `user` directs. Raises NOT_FOUND for foreign and unknown alike."""
    stream = Stream.objects.filter(pk=stream_id).first()
    if stream is None or not can_direct(user, stream):
        raise NOT_FOUND()
    return stream


def watched(viewer: int | None, stream_id: int) -> Stream:
    """A stream that `viewer` may see. Raises NOT_FOUND otherwise."""
    stream = Stream.objects.select_related("host").filter(pk=stream_id).first()
    if stream is None or not can_watch(viewer, stream):
        raise NOT_FOUND()
    return stream


def _given(command: CreateStream | UpdateStream) -> dict[str, Any]:
    """The stream's fields that the command gives, without blanks around text."""
    fields = msgspec.structs.asdict(command)
    return {
        name: value.strip() if isinstance(value, str) else value
        for name, value in fields.items()
        if name not in ("key", "stream", "version") and value is not msgspec.UNSET
    }
