"""Fan-out in slices, so that a great audience never holds the loop.

One slice of a pass a loop turn, urgent passes (reliable lanes) before the others: no
load on another lane delays a reliable publication by more than one slice.
"""

import asyncio
import time
from collections import deque

from realtime.bucket import Bucket
from realtime.channel import Channel
from realtime.lanes import Lane
from realtime.metrics import DELAYED, DELIVERED, PASSED, SHED, bytes_sent, sends
from realtime.sends import send_many

SLICE = 1024


class Pass:
    """All that is pending of a channel, on its way to those who are members now."""

    def __init__(self, channel: Channel, size: int, now: float) -> None:
        self.channel = channel
        self._size = size
        self.began = now
        self.viewers = self.sends = self.bytes = 0
        """For counting, to within those who come and go meanwhile."""
        self.batch = channel.flush(now)
        self._left = [(b, len(b.fds)) for b in channel.buckets.values() if b.fds]
        self._at = 0

    def slice(self) -> bool:
        """Serve the next slots of a bucket; False when there are none left."""
        if not self._left:
            return False
        bucket, end = self._left[-1]
        start, self._at = self._at, min(self._at + self._size, end)
        self._serve(bucket, start, self._at)
        if self._at == end:
            self._left.pop()
            self._at = 0
        return bool(self._left)

    def _serve(self, bucket: Bucket, start: int, stop: int) -> None:
        apart = bucket.among(start, stop)  # before who falls behind now joins them
        frame = self.batch.frame(bucket.codec)
        if not start:
            self.viewers += bucket.present
            self.sends += bucket.ready
            self.bytes += bucket.ready * len(frame.wire)
        for slot, sent in send_many(bucket.fds, frame.wire, start, stop):
            self.bytes -= len(frame.wire) - max(sent, 0)
            if (member := bucket.members[slot]) is not None:
                member.sink.stalled(frame, sent)
        for member in apart:
            if bucket.members[member.slot] is not member:
                continue  # ended by what was done for another
            had = self.batch.had(member)
            own = self.batch.frame(bucket.codec, had)
            if own.count or not had:
                member.sink.write(own)
            if member.ahead and not had:
                member.ahead = False
                bucket.place(member)


class Pump:
    """One pass a channel; what arrives meanwhile leaves together in the next."""

    def __init__(self, size: int = SLICE) -> None:
        self._size = size
        # Bounded: a channel has one pass here, and those that end an epoch.
        self._urgent: deque[Pass] = deque()
        self._tick: deque[Pass] = deque()
        self._scheduled = False

    def start(self, channel: Channel) -> None:
        """Tell what is pending, unless a pass of the channel is on its way.

        It begins a turn later: a burst read from the bus at once leaves as one frame.
        Other lanes than reliable leave a tick after the pass before, at the earliest.
        `#<user>` has no crowd: it is told at once.
        """
        if channel.passes or not channel.untold:
            return
        if channel.personal:
            self.flush(channel)
        else:
            channel.passes += 1
            loop = asyncio.get_running_loop()
            due = channel.load.since + channel.setting.tick_ms / 1000
            if channel.chosen or channel.lane is Lane.RELIABLE or due <= loop.time():
                loop.call_soon(self._enter, channel)
            else:
                loop.call_at(due, self._enter, channel)

    def flush(self, channel: Channel) -> None:
        """Tell what is pending to those who are members now, and to nobody later."""
        while channel.untold:
            channel.passes += 1
            if channel.personal:
                self._at_once(channel)
            else:
                self._enter(channel)

    def _at_once(self, channel: Channel) -> None:
        passing = Pass(channel, self._size, _now())
        while passing.slice():
            pass
        self._ended(passing)

    def _ended(self, passing: Pass) -> None:
        channel, took = passing.channel, _now() - passing.began
        channel.load.longest = max(channel.load.longest, took)
        channel.passes -= 1
        channel.tidy()
        if passing.viewers:
            _count(passing, took)

    def _enter(self, channel: Channel) -> None:
        if not channel.untold:  # told or lost meanwhile
            channel.passes -= 1
            return
        line = self._urgent if channel.lane is Lane.RELIABLE else self._tick
        line.append(Pass(channel, self._size, _now()))
        self._turn_soon()

    def _turn_soon(self) -> None:
        if not self._scheduled and (self._urgent or self._tick):
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        line = self._urgent or self._tick
        if line and not line[0].slice():
            passing = line.popleft()
            self._ended(passing)
            self.start(passing.channel)
        self._turn_soon()


def _count(passing: Pass, took: float) -> None:
    lane, batch = passing.channel.lane, passing.batch
    PASSED["urgent" if lane is Lane.RELIABLE else "tick"].observe(took)
    DELIVERED[lane].inc(batch.count * passing.viewers)
    sends.inc(passing.sends)
    bytes_sent.inc(max(passing.bytes, 0))
    if batch.shed:
        SHED["budget"].inc(batch.shed * passing.viewers)
    if batch.oldest:
        DELAYED[lane].observe(max(time.time() - batch.oldest / 1000, 0))


def _now() -> float:
    return asyncio.get_running_loop().time()
