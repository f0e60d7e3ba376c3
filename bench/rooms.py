"""Channels that anybody may watch, one of each lane."""

import os
import threading

from msgspec import Struct

from realtime import Command, CommandRouter, Connection, Event, Keep, Lane, Namespace

router = CommandRouter()
router.namespace(Namespace("deals", lane=Lane.RELIABLE, keep=Keep(500, seconds=3600)))
router.namespace(Namespace("state", lane=Lane.LATEST, keep=Keep(0, seconds=0)))
router.namespace(Namespace("comments", lane=Lane.SAMPLED, keep=Keep(50, seconds=3600)))


class Commented(Event, frozen=True, tag="comment.sent"):
    """About 150 bytes as JSON, like a comment with its author and badge."""

    seq: int
    user: int
    name: str
    text: str


def comment(seq: int) -> Commented:
    text = "is the blue one still there in size M? the last show was so good ~"
    return Commented(seq=seq, user=1_000_017, name="Lin 小*", text=text)


class Said(Event, frozen=True, tag="comment.said"):
    """A comment of a flood: not one of the sequence that must be whole."""

    n: int
    at: float
    """When it was due, by the machine's monotonic clock."""
    text: str


class Echo(Command, frozen=True, tag="bench.echo"):
    at: float


class Echoed(Struct, frozen=True):
    at: float


@router.handles(anonymous=True)
async def echo(_: Connection, command: Echo) -> Echoed:
    return Echoed(command.at)


def burn() -> None:
    """What a busy thread does."""
    while True:
        sum(range(1000))


if os.environ.get("BENCH_BUSY") == "1":
    threading.Thread(target=burn, daemon=True).start()
