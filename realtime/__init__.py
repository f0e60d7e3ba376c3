"""One socket, many viewers: commands, replies and pushes, and how much may be lost.

Rooms come in by the names below. Nothing here knows the rooms.
"""

from realtime.admission import Answer, New, Pending, Reused, Wait, admit, settle, take
from realtime.answered import digest_of, once
from realtime.connection import Connection
from realtime.control import (
    disconnect,
    disconnect_on_commit,
    unsubscribe,
    unsubscribe_on_commit,
)
from realtime.db import db
from realtime.events import Event, Latest
from realtime.exceptions import CommandError, ErrorCode, error_code
from realtime.failpoints import failpoint
from realtime.lanes import Keep, Lane, Namespace
from realtime.presence import Count, count, online
from realtime.publishing import history, position, publish, publish_on_commit
from realtime.recovery import History, Position, Publication
from realtime.router import Command, CommandRouter, Key, Mutation, Nested, Rate, Ref
from realtime.store import Script, Unavailable, store_key
from realtime.tokens import issue_ticket

__all__ = [
    "Answer",
    "Command",
    "CommandError",
    "CommandRouter",
    "Connection",
    "Count",
    "ErrorCode",
    "Event",
    "History",
    "Keep",
    "Key",
    "Lane",
    "Latest",
    "Mutation",
    "Namespace",
    "Nested",
    "New",
    "Pending",
    "Position",
    "Publication",
    "Rate",
    "Ref",
    "Reused",
    "Script",
    "Unavailable",
    "Wait",
    "admit",
    "count",
    "db",
    "digest_of",
    "disconnect",
    "disconnect_on_commit",
    "error_code",
    "failpoint",
    "history",
    "issue_ticket",
    "once",
    "online",
    "position",
    "publish",
    "publish_on_commit",
    "settle",
    "store_key",
    "take",
    "unsubscribe",
    "unsubscribe_on_commit",
]
