"""One viewer's socket as the hub sees it.

`Sink` is the seam between fan-out and edge. `SocketSink` writes straight to a socket of
the edge's; `AsgiSink` works on every ASGI server: a single task hands frames to `send`.
"""

import asyncio
import fcntl
import socket
import sys
import termios
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from django.conf import settings

from realtime.backlog import Backlog, Full
from realtime.frames import Frame
from realtime.metrics import bytes_sent, sends
from realtime.protocol import Close

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Owner(Protocol):
    """Whose sink it is: a session."""

    def heard(self, data: str | bytes) -> bool:
        """Whether it was no more than a pong, and has been noted."""
        ...

    def slow(self) -> None:
        """The backlog is full, or has not moved for 10 s (`SOUK_STALL_SECONDS`)."""
        ...

    def gone(self) -> None:
        """The socket is no more."""
        ...

    def placed(self) -> None:
        """`fd` has changed."""
        ...


class Sink(ABC):
    """All of it on the loop, none of it waits. After `close` or a loss writes are void.

    `fd` is the descriptor that a pass may write whole frames to: while nothing waits
    and the socket is open. Else it is −1, and frames are given to `write`.
    """

    fd = -1
    deflates = False
    """Whether the client reads compressed frames."""
    backlog: Backlog
    _owner: Owner | None = None
    _watch: asyncio.TimerHandle | None = None
    _moved = 0.0

    def attach(self, backlog: Backlog, owner: Owner) -> None:
        self.backlog = backlog
        self._owner = owner

    @abstractmethod
    def write(self, frame: Frame) -> None:
        """Send now, or after what waits already."""

    @abstractmethod
    def stalled(self, frame: Frame, sent: int) -> None:
        """A pass wrote but `sent` bytes of it to `fd`; −1: the socket is broken."""

    @abstractmethod
    def close(self, close: Close) -> None:
        """End the connection with this code, after what has been accepted so far."""

    @abstractmethod
    def abort(self) -> None:
        """Drop the socket; what was still to be sent is lost."""

    @property
    def is_behind(self) -> bool:
        """Whether the other side has not got all that was written."""
        return bool(self.backlog)

    def place(self, fd: int) -> None:
        if fd != self.fd:
            self.fd = fd
            if self._owner is not None:
                self._owner.placed()

    def keep(self, frame: Frame) -> None:
        """File a frame in the backlog, and see that it moves."""
        try:
            self.backlog.add(frame)
        except Full:
            self.slow()
            return
        self.watch()

    def slow(self) -> None:
        if self._owner is not None:
            self._owner.slow()
        else:
            self.abort()

    def lost(self) -> None:
        self.unwatch()
        if self._owner is not None:
            self._owner.gone()

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


class SocketSink(Sink):
    """A sink over a non-blocking socket: one system call while nothing waits.

    The edge sets `kernel`, calls `drain` once the handshake has left, and again each
    time the socket can take something after `want` asked for it.
    """

    kernel: socket.socket
    _ready = False
    _closing = False
    """A close frame was written: nothing may follow it (RFC 6455 §5.5.1)."""
    _gone = False

    @abstractmethod
    def want(self) -> None:
        """Call `drain` when the socket can take something."""

    def write(self, frame: Frame) -> None:
        if self._closing or self._gone:
            return
        if self.backlog or not self._ready:
            self.keep(frame)
            return
        sent = self._try(frame.wire)
        if sent < len(frame.wire):
            self.stalled(frame, sent)

    def stalled(self, frame: Frame, sent: int) -> None:
        if sent < 0:
            self._broken()
            return
        self.place(-1)
        if sent:
            self.backlog.cut(frame.wire[sent:])
            self.watch()
        else:
            self.keep(frame)
        self.want()

    @property
    def is_behind(self) -> bool:
        return super().is_behind or unsent(self.kernel) > 0

    def drain(self) -> None:
        self._ready = True
        while data := self.backlog.take():
            sent = self._try(data)
            if sent < 0:
                self._broken()
                return
            if sent:
                self.moved()
            if sent < len(data):
                self.backlog.cut(data[sent:])
                self.want()
                return
        self.unwatch()
        if not self._closing and not self._gone:
            self.place(self.kernel.fileno())

    def finish(self) -> None:
        """What was written last was a close frame."""
        self._closing = True
        self.place(-1)

    def vanish(self) -> None:
        """The descriptor is closed, or about to be: it may be given to another."""
        self._gone = True
        self.place(-1)
        self.lost()

    def _try(self, data: bytes) -> int:
        """Bytes the kernel took; −1: it takes no more."""
        sends.inc()
        try:
            sent = self.kernel.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return -1
        bytes_sent.inc(sent)
        return sent

    def _broken(self) -> None:
        self._gone = True
        self.place(-1)
        self.abort()


def unsent(kernel: socket.socket) -> int:
    """Bytes of a socket that the other side's kernel has not taken; 0 if unknown."""
    try:
        held = fcntl.ioctl(kernel, termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):  # ValueError: it is closed
        return 0
    return int.from_bytes(held, sys.byteorder)


class AsgiSink(Sink):
    """A sink over an ASGI `send`."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._writer: asyncio.Task[None] | None = None
        self._closing: Close | None = None
        self._ended = False

    def write(self, frame: Frame) -> None:
        if self._closing is None and not self._ended:
            self.keep(frame)
            self._wake()

    def stalled(self, frame: Frame, sent: int) -> None:
        """Never: it has no descriptor."""

    def close(self, close: Close) -> None:
        if self._closing is None:
            self._closing = close
            self._wake()

    def abort(self) -> None:
        self.end()

    def end(self) -> None:
        """The other side is gone."""
        self._ended = True
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
                sends.inc()
                bytes_sent.inc(len(wire))
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
