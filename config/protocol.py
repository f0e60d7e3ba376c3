"""Every command, channel and hook of the socket, gathered from the rooms."""

from chat.handlers import router as chat
from commerce.handlers import router as commerce
from realtime import CommandRouter

router = CommandRouter().include(
    chat,
    commerce,
)
