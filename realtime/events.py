"""What the server tells: events, and values of which only the newest counts.

Events are frozen msgspec Structs, encoded once per publication; an event's tag is its
`type` on the wire. Pure: neighbours are lanes.py (how a channel may lose) and
publishing.py (how an event leaves).
"""

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something that happened: `class CommentSent(Event, tag="comment.sent")`."""


class Latest(Struct, frozen=True, kw_only=True):
    """A value on a `state:` channel; a newer one of the same key replaces it.

    A subclass names its `key` (`"stock:7"`) as a property. If it has a field `version`,
    the store drops one that is not newer than what it holds.
    """

    @property
    def key(self) -> str:
        raise NotImplementedError
