"""What the room keeps in SQL; one file a noun."""

from streams.models.ingests import Ingest
from streams.models.keys import StreamKey
from streams.models.nodes import MediaNode
from streams.models.people import PublishBan, Role
from streams.models.streams import Stream, StreamEvent, Timer

__all__ = [
    "Ingest",
    "MediaNode",
    "PublishBan",
    "Role",
    "Stream",
    "StreamEvent",
    "StreamKey",
    "Timer",
]
