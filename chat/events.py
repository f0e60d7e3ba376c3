"""What chat tells, by channel.

On `#<user>`: messages, requests, cursors. On `comments:` what is said in a room, on
`deals:` what must not be lost of it, on `state:` the likes. Times are epoch ms.
"""

from typing import Self

from msgspec import Struct

from chat.models import Comment, Message
from realtime import Event, Latest
from streams.clock import epoch_ms


class MessageView(Struct, frozen=True):
    """A message; the same bytes for all who see it. Its sender's devices know `key`."""

    seq: int
    rev: int
    key: str
    sender: int
    kind: str
    text: str
    reply_to: int | None
    at: int

    @classmethod
    def of(cls, message: Message) -> Self:
        return cls(
            seq=message.seq,
            rev=message.rev,
            key=message.key,
            sender=message.sender_id,
            kind=message.kind,
            text=message.text,
            reply_to=message.reply_to,
            at=epoch_ms(message.created_at),
        )


class MessageSent(Event, frozen=True, tag="message.sent"):
    """To everyone in the conversation, the sender's own devices among them.

    It also moves the sender's cursors to its `seq`: who writes has been there.
    """

    conversation: int
    rev: int
    seq: int
    message: MessageView


class ConversationRequested(Event, frozen=True, tag="conversation.requested"):
    """A stranger wrote for the first time. Without the text, and told once."""

    conversation: int
    user: int
    name: str


class ConversationCursor(
    Event, frozen=True, omit_defaults=True, tag="conversation.cursor"
):
    """Where `user` is now, in absolute numbers; absent is what is not to be known."""

    conversation: int
    user: int
    read: int | None = None
    delivered: int | None = None


class CommentView(Struct, frozen=True):
    """A comment as everybody sees it. `badges` holds the author's role, if any."""

    id: str
    author: int
    name: str
    badges: list[str]
    kind: str
    text: str
    at: int
    offset_ms: int
    """Its place on the media clock."""

    @classmethod
    def of(cls, comment: Comment) -> Self:
        return cls(
            id=comment.id,
            author=comment.author_id,
            name=comment.name,
            badges=comment.badges,
            kind=comment.kind,
            text=comment.text,
            at=epoch_ms(comment.at),
            offset_ms=comment.offset_ms,
        )


class CommentSent(Event, CommentView, frozen=True, tag="comment.sent"):
    """On `comments:`. The same `id` may come twice: drop the second."""


class CommentPinned(Event, frozen=True, tag="comment.pinned"):
    """On `deals:`. The whole list, in the order of pinning."""

    pinned: list[CommentView]


class CommentsRemoved(Event, frozen=True, tag="comment.removed"):
    """On `deals:`."""

    ids: list[str]
    by_role: str


class Likes(Latest, frozen=True):
    """On `state:`: how often a stream was liked, by everybody."""

    total: int
    version: int
    """The same number: it only grows, and an older one must not overtake it."""

    @property
    def key(self) -> str:
        return "likes"
