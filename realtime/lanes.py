"""How a channel may lose: lanes, what is kept, namespaces.

Pure. `Namespace` is what a room declares for a family of channels (`deals:42`).
"""

import enum
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct


class Lane(enum.Enum):
    RELIABLE = "reliable"
    """Every publication once, in order; or the client is told it cannot."""
    LATEST = "latest"
    """The newest value of a key, never an older one after it."""
    SAMPLED = "sampled"
    """A fair part, in order; the number shed is told."""


class Keep(Struct, frozen=True):
    """How much history a channel keeps: the last `count`, for `seconds`."""

    count: int
    seconds: int


class Namespace(Struct, frozen=True):
    """A family of channels: `Namespace("deals", lane=Lane.RELIABLE, …)`.

    `authorize(connection, address)` is awaited at subscribe (`address` is what follows
    the colon, always at least one of `[A-Za-z0-9_-]`); it raises `CommandError` to
    refuse. Without one, anybody may subscribe.
    """

    name: str
    lane: Lane
    keep: Keep
    counted: bool = False
    authorize: Callable[[Any, str], Awaitable[None]] | None = None
