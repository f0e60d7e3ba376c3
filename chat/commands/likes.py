"""Likes."""

from typing import Annotated

from msgspec import Meta, Struct

from chat.commands.comments import StreamId
from realtime import Command


class SendLikes(Command, frozen=True, tag="like.send"):
    """How often this connection tapped in all: sent again it adds nothing.

    Twenty a second are credited; what is beyond is not made up for later.
    """

    stream: StreamId
    total: Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Liked(Struct, frozen=True):
    liked: int
    """Credited to this connection so far."""
