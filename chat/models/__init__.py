"""What chat keeps in SQL; one file a noun."""

from chat.models.conversations import Conversation, Member
from chat.models.messages import Message

__all__ = ["Conversation", "Member", "Message"]
