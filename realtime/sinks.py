"""One viewer's socket as the hub sees it, and the one that works on every ASGI server.

`Sink` is the seam between fan-out and edge; `edges/daphne.py` has the fast one.
`AsgiSink` hands frames to the server's `send` from a single task.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from django.conf import settings

from realtime.backlog import Backlog, Full
from realtime.frames import Frame
from realtime.protocol import Close

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Sink(ABC):
    """All of it on the loop, none of it waits. After `close` or a loss writes are void.

    The owner sets `slow`, called when the backlog is full or has not moved for 10 s
    (`SOUK_STALL_SECONDS`),
    and `lost`, called when the socket is gone.
    """

    quick: Callable[[bytes], int] | None = None
    """The socket's own `send` while nothing waits and it is open: the pump calls it
    without a detour, and hands what was not taken to `stalled`."""
    slow: Callable[[], None]
    lost: Callable[[], None]
    backlog: Backlog

    def attach(
        self, backlog: Backlog, slow: Callable[[], None], lost: Callable[[], None]
    ) -> None:
        self.backlog = backlog
        self.slow = slow
        self.lost = lost
        self._moved = 0.0
        self._watch: asyncio.TimerHandle | None = None

    def write(self, frame: Frame) -> None:
        """Send now, or after what waits already."""
        self.deliver((frame,))

    @abstractmethod
    def deliver(self, frames: Sequence[Frame]) -> None: ...

    def stalled(self, frames: Sequence[Frame], sent: int) -> None:
        """`quick` took only `sent` bytes of the first frame."""
        raise NotImplementedError

    @abstractmethod
    def close(self, close: Close) -> None:
        """End the connection with this code, after what has been accepted so far."""

    @abstractmethod
    def abort(self) -> None:
        """Drop the socket; what was still to be sent is lost."""

    def keep(self, frames: Sequence[Frame]) -> None:
        """File frames in the backlog, and see that it moves."""
        try:
            for frame in frames:
                self.backlog.add(frame)
        except Full:
            self.slow()
            return
        self.watch()

    def watch(self) -> None:
        """Something waits: call it slow unless some of it leaves within 10 s."""
        if self._watch is None:
            self.moved()
            self._look_later(settings.SOUK_STALL_SECONDS)

    def moved(self) -> None:
        self._moved = asyncio.get_running_loop().time()

    def unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _look_later(self, seconds: float) -> None:
        self._watch = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        still = asyncio.get_running_loop().time() - self._moved
        self._watch = None
        if still >= settings.SOUK_STALL_SECONDS:
            self.slow()
        else:
            self._look_later(settings.SOUK_STALL_SECONDS - still)


class AsgiSink(Sink):
    """A sink over an ASGI `send`."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._writer: asyncio.Task[None] | None = None
        self._closing: Close | None = None
        self._ended = False

    def deliver(self, frames: Sequence[Frame]) -> None:
        if self._closing is None and not self._ended:
            self.keep(frames)
            self._wake()

    def close(self, close: Close) -> None:
        if self._closing is None:
            self._closing = close
            self._wake()

    def abort(self) -> None:
        self.end()

    def end(self) -> None:
        """The other side is gone."""
        self._ended = True
        self.unwatch()
        if self._writer is not None:
            self._writer.cancel()
        self.lost()

    def _wake(self) -> None:
        if self._writer is None and not self._ended:
            self._writer = asyncio.get_running_loop().create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while wire := self.backlog.take():
                await self._send(_message(wire))
                self.moved()
            self.unwatch()
            if self._closing is not None:
                self._ended = True
                code, reason = self._closing.code, self._closing.reason
                await self._send(
                    {"type": "websocket.close", "code": code, "reason": reason}
                )
        except OSError:
            self._ended = True
        finally:
            self._writer = None


def _message(wire: bytes) -> dict[str, Any]:
    """What an unmasked frame of ours says, as ASGI puts it."""
    start = {126: 4, 127: 10}.get(wire[1], 2)
    if wire[0] & 0x0F == 2:
        return {"type": "websocket.send", "bytes": wire[start:]}
    return {"type": "websocket.send", "text": wire[start:].decode()}
