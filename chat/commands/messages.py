"""Direct messages: send one."""

from typing import Literal

from msgspec import Struct

from chat.commands.conversations import ConversationId, Count
from chat.text import MessageText
from realtime import Mutation


class SendMessage(Mutation, frozen=True, tag="message.send"):
    """Say something in a conversation; answered when it is written down."""

    conversation: ConversationId
    text: MessageText
    kind: Literal["text"] = "text"
    reply_to: Count | None = None
    """The seq of a message the sender sees in this conversation."""


class Sent(Struct, frozen=True):
    """Its number in the conversation, the change it made, and when (epoch ms)."""

    seq: int
    rev: int
    at: int
