"""Who answers what; the room's part of the registry."""

from chat.handlers import comments, conversations, messages
from realtime import CommandRouter

router = CommandRouter().include(comments.router, conversations.router, messages.router)
