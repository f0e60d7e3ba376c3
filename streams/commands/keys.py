"""Stream keys: lasting secrets for encoders."""

from typing import Annotated

from msgspec import Meta, Struct

from realtime import Command, Mutation, Ref
from streams.commands.streams import OwnStreamId

StreamKeyId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("stream_key")]


class CreateKey(Mutation, frozen=True, kw_only=True, tag="stream_key.create"):
    """A key for one stream of the sender's or, without `stream`, for any of them."""

    name: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"\S")]
    stream: OwnStreamId | None = None


class KeyMade(Struct, frozen=True):
    """`secret` is told here and nowhere else; `whip` is the address to publish to."""

    id: int
    secret: str
    hint: str
    whip: str


class ListKeys(Command, frozen=True, kw_only=True, tag="stream_key.list"):
    """The sender's keys that are not revoked, newest first."""


class KeyView(Struct, frozen=True):
    id: int
    name: str
    hint: str
    stream: int | None
    created_at: int
    used_at: int | None


class KeyList(Struct, frozen=True):
    items: list[KeyView]


class RevokeKey(Mutation, frozen=True, kw_only=True, tag="stream_key.revoke"):
    """No use any more; an ingest that came by it is closed. Twice does no harm."""

    id: StreamKeyId


class Done(Struct, frozen=True):
    pass
