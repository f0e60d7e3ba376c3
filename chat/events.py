"""What chat tells, by channel.

On `#<user>`: messages, requests, cursors. On `comments:` what is said in a room, on
`deals:` what must not be lost of it, on `state:` the likes. Times are epoch ms.
"""

from typing import Self

from msgspec import Struct

from chat.clock import epoch_ms
from chat.models import Message
from realtime import Event


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
