"""What chat keeps in SQL; one file a noun."""

from chat.models.comments import Comment, LiveRoom
from chat.models.conversations import Conversation, Member
from chat.models.messages import Message
from chat.models.moderation import ModerationAction

__all__ = [
    "Comment",
    "Conversation",
    "LiveRoom",
    "Member",
    "Message",
    "ModerationAction",
]
