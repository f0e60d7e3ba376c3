"""Channels that anybody may watch, one of each lane."""

import os
import threading

from realtime import CommandRouter, Event, Keep, Lane, Namespace

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


def burn() -> None:
    """What a busy thread does."""
    while True:
        sum(range(1000))


if os.environ.get("BENCH_BUSY") == "1":
    threading.Thread(target=burn, daemon=True).start()
