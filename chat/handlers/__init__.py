"""Who answers what; the room's part of the registry."""

from chat.handlers import conversations, messages
from realtime import CommandRouter

router = CommandRouter().include(conversations.router, messages.router)
