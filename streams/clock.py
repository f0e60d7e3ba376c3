"""The media clock: a moment of the day as a place in the show.

A show is one take here: its gaps are not collapsed until a replay exists.
"""

from datetime import UTC, datetime, timedelta

from streams.models import Stream

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)


def epoch_ms(moment: datetime) -> int:
    """As the wire carries it: whole milliseconds since 1970."""
    return (moment - EPOCH) // MS


def epoch_ms_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else epoch_ms(moment)


def media_ms(stream: Stream, at: int) -> int:
    """How far into the show `at` (epoch ms) was: 0 before it, its length after it."""
    if stream.started_at is None:
        return 0
    if stream.ended_at is not None:
        at = min(at, epoch_ms(stream.ended_at))
    return max(0, at - epoch_ms(stream.started_at))
