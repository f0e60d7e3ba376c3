"""Who answers what; the room's part of the registry."""

from realtime import CommandRouter
from streams.handlers import channels, keys, streams

router = CommandRouter().include(streams.router, keys.router, channels.router)
