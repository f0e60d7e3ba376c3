"""Every command, channel and hook of the socket, gathered from the rooms."""

from accounts.handlers import router as accounts
from chat.handlers import router as chat
from commerce.handlers import router as commerce
from realtime import CommandRouter
from streams.handlers import router as streams

router = CommandRouter().include(
    accounts,
    streams,
    chat,
    commerce,
)
