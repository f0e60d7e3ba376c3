"""Conversations: open one, list them, catch up, read back, move a cursor."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chat.events import MessageView
from realtime import Command, Mutation, Ref

Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
ConversationId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("conversation")]
UserId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("user", public=True)]
Limit = Annotated[int, Meta(ge=1, le=100)]


class OpenConversation(Mutation, frozen=True, tag="conversation.open"):
    """The conversation with `user`, made if there is none.

    `sync` with `after_rev` 0 then tells all about it. Refused as `not_delivered` where
    the other account is gone or has declined.
    """

    user: UserId


class Opened(Struct, frozen=True):
    conversation: int


class ListConversations(Command, frozen=True, tag="conversation.list"):
    """Conversations with a message in them, the newest first."""

    box: Literal["main", "requests"] = "main"
    cursor: Annotated[str, Meta(max_length=64)] = ""
    limit: Limit = 50


class Person(Struct, frozen=True):
    user: int
    name: str


class ConversationView(Struct, frozen=True):
    """A conversation as one member sees it. Messages up to `base` are not theirs.

    `read` and `delivered` are the member's own cursors, the peer's are what may be
    known of them. `flags`: 1 mentioned, 2 muted, 4 pinned, 8 a stranger's request.
    """

    id: int
    kind: str
    peer: Person | None
    head_seq: int
    head_rev: int
    base: int
    read: int
    delivered: int
    peer_read: int
    peer_delivered: int
    flags: int
    last_at: int | None
    last: MessageView | None = None
    """The newest message, in lists."""


class ConversationList(Struct, frozen=True):
    items: list[ConversationView]
    cursor: str
    """Of the next page; empty on the last."""


class SyncConversation(Command, frozen=True, tag="conversation.sync"):
    """Everything that changed after `after_rev`; never refused, never cut short."""

    conversation: ConversationId
    after_rev: Count
    limit: Annotated[int, Meta(ge=1, le=200)] = 200


class CursorView(Struct, frozen=True):
    user: int
    read: int
    delivered: int


class Synced(Struct, frozen=True):
    """A page of changed messages by `rev`. Ask again from `next_rev` while `more`.

    `conversation` comes along at the start (`after_rev` 0) and when it changed itself.
    `head_rev` below the `after_rev` asked for means a restored database: reload.
    """

    messages: list[MessageView]
    cursors: list[CursorView]
    head_seq: int
    head_rev: int
    next_rev: int
    more: bool
    conversation: ConversationView | None


class ConversationHistory(Command, frozen=True, tag="conversation.history"):
    """The last messages before `before_seq`, or of all, in order of `seq`."""

    conversation: ConversationId
    before_seq: Count | None = None
    limit: Limit = 50


class History(Struct, frozen=True):
    messages: list[MessageView]
    head_seq: int
    head_rev: int


class MarkConversation(Command, frozen=True, tag="conversation.mark"):
    """Move cursors forward. Absolute, so sent again they do no harm."""

    conversation: ConversationId
    read_seq: Count | None = None
    delivered_seq: Count | None = None


class Marked(Struct, frozen=True):
    """The cursors in force."""

    read_seq: int
    delivered_seq: int


class Head(Struct, frozen=True, array_like=True):
    """A conversation in brief: on the wire a row, without the names."""

    conversation: int
    head_seq: int
    head_rev: int
    base: int
    read: int
    delivered: int
    peer_read: int
    peer_delivered: int
    flags: int


class Heads(Struct, frozen=True):
    """What a client compares with what it holds, at connect.

    `heads` are at most 1,000 rows, the newest change first; `columns` names what is in
    a row. `total_unread` and `requests` count over all conversations.
    """

    total_unread: int
    requests: int
    columns: tuple[str, ...]
    heads: list[Head]
