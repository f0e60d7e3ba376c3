"""One socket, many viewers: commands, replies and pushes, and how much may be lost.

Rooms come in by the names below. Nothing here knows the rooms.
"""

from realtime.answered import digest_of, once
from realtime.connection import Connection
from realtime.db import db
from realtime.events import Event, Latest
from realtime.exceptions import CommandError, ErrorCode, error_code
from realtime.lanes import Keep, Lane, Namespace
from realtime.publishing import publish_on_commit
from realtime.recovery import History, Position, Publication
from realtime.router import Command, CommandRouter, Key, Mutation, Rate, Ref

__all__ = [
    "Command",
    "CommandError",
    "CommandRouter",
    "Connection",
    "ErrorCode",
    "Event",
    "History",
    "Keep",
    "Key",
    "Lane",
    "Latest",
    "Mutation",
    "Namespace",
    "Position",
    "Publication",
    "Rate",
    "Ref",
    "db",
    "digest_of",
    "error_code",
    "once",
    "publish_on_commit",
]
