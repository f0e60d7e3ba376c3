"""One reliable channel that anybody may watch."""

from realtime import CommandRouter, Event, Keep, Lane, Namespace

router = CommandRouter()
router.namespace(Namespace("deals", lane=Lane.RELIABLE, keep=Keep(500, seconds=3600)))


class Commented(Event, frozen=True, tag="comment.sent"):
    """About 150 bytes as JSON, like a comment with its author and badge."""

    seq: int
    user: int
    name: str
    text: str


def comment(seq: int) -> Commented:
    text = "is the blue one still there in size M? the last show was so good ~"
    return Commented(seq=seq, user=1_000_017, name="Lin 小*", text=text)
