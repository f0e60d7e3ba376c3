"""Live rooms: say, read, pin, remove, like."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chat.commands.conversations import Limit
from chat.events import CommentView
from chat.text import CommentText
from realtime import Command, Mutation, Ref

StreamId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("stream", public=True)]
CommentId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{16}$(?![\s\S])")]


class SendComment(Mutation, frozen=True, tag="comment.send"):
    """Say something to everybody in a stream, while it is live or interrupted."""

    stream: StreamId
    text: CommentText


class Admitted(Struct, frozen=True):
    """Shown, and soon written down. The author draws it from this reply.

    `offset_ms` is its place on the media clock.
    """

    id: str
    state: Literal["shown"]
    at: int
    offset_ms: int


class ListComments(Command, frozen=True, tag="comment.list"):
    """What was shown and not removed, the newest first."""

    stream: StreamId
    cursor: Annotated[str, Meta(max_length=40)] = ""
    limit: Limit = 50


class CommentList(Struct, frozen=True):
    items: list[CommentView]
    cursor: str
    """Of the next page; empty on the last."""


class PinComment(Mutation, frozen=True, tag="comment.pin"):
    """Keep a comment in sight (at most three are), or (`on` false) no longer."""

    stream: StreamId
    id: CommentId
    on: bool


class Pinned(Struct, frozen=True):
    """The whole list, in the order of pinning."""

    pinned: list[CommentView]


class RemoveComments(Mutation, frozen=True, tag="comment.remove"):
    """Take comments away, for everybody and for good."""

    stream: StreamId
    ids: Annotated[list[CommentId], Meta(min_length=1, max_length=100)]


class Removed(Struct, frozen=True):
    removed: list[str]
    """Those of `ids` that are gone now, by this command or before."""


class CommentsJoined(Struct, frozen=True):
    """What the subscribe reply of `comments:` brings along."""

    recent: list[CommentView]
    """At most 50, oldest first."""
    me: "Standing"


class Standing(Struct, frozen=True, omit_defaults=True):
    """Who the reader is here, and whether they may speak; else the error's name."""

    role: str
    may_send: bool
    why: str = ""


class DealsJoined(Struct, frozen=True):
    """Chat's part of the subscribe reply of `deals:`."""

    pinned: list[CommentView]


class SendLikes(Command, frozen=True, tag="like.send"):
    """How often this connection tapped in all: sent again it adds nothing.

    Twenty a second are credited; what is beyond is not made up for later.
    """

    stream: StreamId
    total: Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Liked(Struct, frozen=True):
    liked: int
    """Credited to this connection so far."""
