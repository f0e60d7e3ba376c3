"""How much one connection may ask: a token bucket, and an end for who never stops.

Pure. What a user may do across connections and processes is `admission.take`.
"""

from math import ceil

from realtime.exceptions import TOO_MANY_REQUESTS, CommandError
from realtime.router import Rate

COMMAND_RATE = Rate(20, burst=60)
SUBSCRIBE_RATE = Rate(20, burst=128)
"""Looser: a returning client subscribes to all its channels in one frame."""
FRAME_RATE = Rate(100, burst=300)
"""Of frames, whatever is in them: a pong, or nothing, costs its reading too."""
REFUSALS = 200
REFUSAL_SECONDS = 10.0


class LocalBucket:
    """Tokens of one connection; `now` in seconds, from any start, never backwards."""

    __slots__ = ("_rate", "_tokens", "_at")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._at = now

    def take(self, now: float) -> int:
        """Take one token: 0, or the milliseconds until there is one."""
        gained = (now - self._at) * self._rate.per_second
        self._tokens = min(self._tokens + gained, float(self._rate.burst))
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return ceil((1 - self._tokens) / self._rate.per_second * 1000)

    def is_full(self, now: float) -> bool:
        """Whether it is as it was made."""
        gained = (now - self._at) * self._rate.per_second
        return self._tokens + gained >= self._rate.burst


class Limits:
    """One connection's buckets, and its refusals of the last 10 s."""

    __slots__ = ("_commands", "_subscribes", "_frames", "_refused")

    def __init__(self, now: float) -> None:
        self._commands = LocalBucket(COMMAND_RATE, now)
        self._subscribes = LocalBucket(SUBSCRIBE_RATE, now)
        self._frames = LocalBucket(FRAME_RATE, now)
        self._refused: list[float] = []  # few ever are; a deque is 600 bytes more

    def flooded(self, now: float) -> bool:
        """A frame has come; too many have."""
        return self._frames.take(now) > 0

    def refusal(self, command: str, now: float) -> CommandError | None:
        """The error a command gets when it comes too soon."""
        subscribing = command in ("subscribe", "unsubscribe")
        bucket = self._subscribes if subscribing else self._commands
        if (wait := bucket.take(now)) == 0:
            return None
        self._refused.append(now)
        del self._refused[:-REFUSALS]
        return TOO_MANY_REQUESTS(retry_after_ms=wait)

    def abusive(self, now: float) -> bool:
        """200 refusals within 10 s: the client does not listen."""
        full = len(self._refused) == REFUSALS
        return full and now - self._refused[0] < REFUSAL_SECONDS
