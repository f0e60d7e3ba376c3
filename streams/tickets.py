"""Short-lived passes to publish to a stream, and to play one.

Signed, not stored: five minutes are short enough to need no list of revoked ones, and
what they allow is asked again when they are used.
"""

import time
from typing import Literal

from django.core import signing
from msgspec import Struct, ValidationError, convert

SECONDS = 300
Purpose = Literal["publish", "play"]


class Pass(Struct, frozen=True):
    """`user` is 0 for somebody who is not signed in (they may only play)."""

    stream: int
    user: int


class Ticket(Struct, frozen=True):
    text: str
    expires_at: int


def issue(purpose: Purpose, stream: int, user: int) -> Ticket:
    """`expires_at` in epoch ms."""
    text = signing.dumps([stream, user], salt=f"streams.{purpose}")
    return Ticket(text, int((time.time() + SECONDS) * 1000))


def read(purpose: Purpose, text: str) -> Pass | None:
    """What a ticket says; None if it is no such ticket, or too old."""
    try:
        stream, user = signing.loads(text, salt=f"streams.{purpose}", max_age=SECONDS)
        return convert({"stream": stream, "user": user}, Pass)
    except (signing.BadSignature, ValueError, TypeError, ValidationError):
        return None
