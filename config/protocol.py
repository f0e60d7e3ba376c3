"""Every command, channel and hook of the socket, gathered from the rooms."""

from realtime import CommandRouter

router = CommandRouter()
