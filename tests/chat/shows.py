"""Streams, and what was published on their channels."""

from typing import Any
from uuid import UUID

import msgspec

from accounts.models import User
from chat.actions.comments import send_comment
from chat.commands.comments import Admitted, SendComment
from chat.comment_log import comment_log
from realtime import history
from realtime.models import OutboxEvent
from streams.models import Stream
from tests.chat.world import a_key, a_user


def a_stream(host: User | None = None, *, state: str = "live", **fields: Any) -> Stream:
    return Stream.objects.create(
        host=host or a_user("host"),
        title="Silk",
        state=state,
        started_at="2026-01-01T00:00Z",
        ended_at="2026-01-01T01:00Z" if state == "ended" else None,
        **fields,
    )


def a_fresh_key(now_ms: int) -> str:
    """A UUIDv7 of that moment."""
    tail = int.from_bytes(a_key().encode().rjust(8, b"0")[-8:]) & (1 << 62) - 1
    return str(UUID(int=now_ms << 80 | 7 << 76 | 2 << 62 | tail))


async def comment(
    author: User, stream: Stream, text: str = "hi", key: str = ""
) -> Admitted:
    command = SendComment(key=key or a_key(), stream=stream.pk, text=text)
    return await send_comment(author.pk, command)


async def published(channel: str) -> list[dict[str, Any]]:
    held = await history(channel, 100)
    return [msgspec.msgpack.decode(one.data) for one in held.publications]


async def written_down() -> None:
    await comment_log().flush()


def decided(channel: str) -> list[dict[str, Any]]:
    """What transactions decided to push there so far."""
    return [
        msgspec.msgpack.decode(bytes(row.data))
        for row in OutboxEvent.objects.order_by("id")
        if channel in row.channels
    ]
