"""Fan-out in slices, so that a great audience never holds the loop.

One slice of a pass a loop turn, urgent passes (reliable lanes) before the others: no
load on another lane delays a reliable publication by more than one slice.
"""

import asyncio
from collections import deque
from itertools import islice

from realtime.channel import Channel
from realtime.frames import Frame
from realtime.lanes import Lane

SLICE = 1024


class Pass:
    """All that is pending of a channel, on its way to those who are members now."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._batch = channel.flush()
        self._left = iter(list(channel.members.items()))

    def slice(self) -> bool:
        """Serve the next ≤ 1,024 members; False when there are none left."""
        looked = 0
        members, batch = self.channel.members, self._batch
        frames: tuple[Frame, ...] = ()
        flavour = wire = None
        for key, member in islice(self._left, SLICE):
            looked += 1
            # Not the same: it has left, or left and joined anew after this pass began.
            if members.get(key) is not member:
                continue
            if batch.had(member):
                member.sink.deliver(batch.frames(member))
                continue
            if member.codec is not flavour:
                frames, flavour = batch.frames(member), member.codec
                wire = frames[0].wire if len(frames) == 1 else None
            quick = member.sink.quick
            if quick is None or wire is None:
                member.sink.deliver(frames)
                continue
            try:
                sent = quick(wire)
            except OSError:
                member.sink.deliver(frames)  # it meets the error again, and knows it
                continue
            if sent < len(wire):
                member.sink.stalled(frames, sent)
        return looked == SLICE


class Pump:
    """One pass a channel; what arrives meanwhile leaves together in the next."""

    def __init__(self) -> None:
        # Bounded: a channel has one pass here, and one more for each epoch that ends.
        self._urgent: deque[Pass] = deque()
        self._tick: deque[Pass] = deque()
        self._scheduled = False

    def start(self, channel: Channel) -> None:
        """Tell what is pending, unless a pass of the channel is on its way.

        It begins a turn later: a burst read from the bus at once leaves as one frame.
        """
        if channel.passes or not (channel.pending or channel.changed):
            return
        channel.passes += 1
        asyncio.get_running_loop().call_soon(self._enter, channel)

    def flush(self, channel: Channel) -> None:
        """Tell what is pending to those who are members now, and to nobody later."""
        channel.passes += 1
        self._enter(channel)

    def _enter(self, channel: Channel) -> None:
        line = self._urgent if channel.lane is Lane.RELIABLE else self._tick
        line.append(Pass(channel))
        self._turn_soon()

    def _turn_soon(self) -> None:
        if not self._scheduled and (self._urgent or self._tick):
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        line = self._urgent or self._tick
        if line and not line[0].slice():
            channel = line.popleft().channel
            channel.passes -= 1
            self.start(channel)
        self._turn_soon()
