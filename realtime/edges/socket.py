"""One WebSocket of the fast edge: autobahn reads its frames, we do all the rest.

What differs from stock: the handshake is one look at the head and one system call, no
timer and no log line is made for a connection; a send is one system call while nothing
waits, what waits is bounded (`Backlog`), empty messages and close reasons arrive,
frames may be compressed, and a client that stops to read or floods us stops only
itself. Neighbours: bare.py (autobahn), handshake.py, daphne.py (the server).
"""

import asyncio
import contextlib
import logging
import resource
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from autobahn.websocket.utf8validator import Utf8Validator
from twisted.internet.interfaces import IPullProducer
from zope.interface import implementer

from realtime.backlog import Backlog
from realtime.codecs import JSON
from realtime.deflate import agree
from realtime.doors import cut, real_address
from realtime.edges.bare import BareProtocol, Inflation
from realtime.edges.handshake import Asked, Refused, answer, read
from realtime.frames import Frame, plain
from realtime.metrics import connects
from realtime.protocol import FRAME_BYTES, INTERNAL, TOO_BIG, Close
from realtime.sinks import SocketSink

logger = logging.getLogger(__name__)

HEAD_BYTES = 16 * 1024
FAILED_SECONDS = 1
UNREAD_FRAMES = 16
KERNEL_BYTES = 64 * 1024
KERNEL_SECONDS = 20
AGAIN_SECONDS = 5
DESCRIPTORS = 0.8
"""The part of those allowed that sockets may take; the rest is for what serves them."""
REFUSED = {429: "Too Many Requests", 503: "Service Unavailable"}
OPTIONS = [
    (getattr(socket, name), value)
    for name, value in (
        ("TCP_NODELAY", 1),
        ("TCP_USER_TIMEOUT", KERNEL_SECONDS * 1000),
        ("TCP_NOTSENT_LOWAT", KERNEL_BYTES),
    )
    if hasattr(socket, name)
]


@implementer(IPullProducer)
class LiveProtocol(BareProtocol, SocketSink):
    """One WebSocket, and the hub's sink of it."""

    _asked: Asked | None = None
    _held = _inside = False

    def __init__(self) -> None:
        super().__init__()
        self._events: list[dict[str, Any]] = []  # bounded by onMessage
        self._waiter: asyncio.Future[None] | None = None

    def processHandshake(self) -> None:
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            if len(self.data) > HEAD_BYTES:
                self.failHandshake("too long a head")
            return
        try:
            asked = read(self.data[:end])
        except Refused as refused:
            self.failHandshake(refused.why, refused.code)
            return
        self.data = self.data[end + 4 :]
        if refusal := self._enter(asked):
            self.failHandshake(REFUSED[refusal], refusal)
            return
        self._asked = asked
        self.factory.server_class.serve(self, self._scope(asked))

    def _enter(self, asked: Asked) -> int | None:
        server, handle = self.factory.server_class, self.transport.getHandle()
        peer = getattr(self.transport.getPeer(), "host", "")
        forwarded = asked.headers.get(b"x-forwarded-for", b"").decode("latin-1")
        self._address = real_address(peer, forwarded, server.proxies)
        # The kernel gives out the lowest number that is free.
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        full = 0 <= most * DESCRIPTORS < handle.fileno()
        now = asyncio.get_running_loop().time()
        refusal: int | None = server.doors.enter(self._address, now, full=full)
        if refusal:
            connects.labels(refusal).inc()
            told = {"code": refusal, "address": cut(self._address)}
            logger.info("refused", extra=told)
        self._inside = not refusal
        return refusal

    def _scope(self, asked: Asked) -> dict[str, Any]:
        path = asked.path.decode()
        return {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "path": unquote(path),
            "raw_path": asked.path,
            "root_path": "",
            # Underscores would pass for dashes in a CGI environment (CVE-2015-0219).
            "headers": [pair for pair in asked.headers.items() if b"_" not in pair[0]],
            "query_string": asked.query,
            "client": [self._address, getattr(self.transport.getPeer(), "port", 0)],
            "server": None,
            "subprotocols": asked.protocols,
            "extensions": {"souk.sink": self},
        }

    def failHandshake(self, reason: str, code: int = 400, *_: Any) -> None:
        again = [("Retry-After", AGAIN_SECONDS)] if code in REFUSED else []
        super().failHandshake(reason, code, again)

    def hear(self, event: dict[str, Any]) -> None:
        """Something for the application."""
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> dict[str, Any]:
        """The application's `receive`."""
        while not self._events:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        event = self._events.pop(0)
        if self._held and len(self._events) < UNREAD_FRAMES:
            self._held = False
            self.transport.resumeProducing()
        return event

    async def reply(self, message: dict[str, Any]) -> None:
        """The application's `send`."""
        match message["type"]:
            case "websocket.accept":
                self._accept(message.get("subprotocol"), message.get("headers", ()))
            case "websocket.close" if self.state == self.STATE_CONNECTING:
                self._asked = None
                self.failHandshake("Access denied", 403)
            case "websocket.close":
                code, reason = message.get("code", 1000), message.get("reason", "")
                self.close(Close(code, reason or ""))
            case "websocket.send":
                text = message.get("text")
                self.write(plain(message["bytes"] if text is None else text))

    def _accept(
        self, subprotocol: str | None, given: Iterable[tuple[bytes, bytes]]
    ) -> None:
        """Answer 101 and be open, unless the client has gone or was refused."""
        asked, self._asked = self._asked, None
        if asked is None or self._gone or self.state != self.STATE_CONNECTING:
            return
        headers = [(name.decode(), value.decode("latin-1")) for name, value in given]
        if subprotocol is not None:
            headers.append(("Sec-WebSocket-Protocol", subprotocol))
        offers = asked.headers.get(b"sec-websocket-extensions", b"").decode("latin-1")
        if offers and (agreed := agree(self._parseExtensionsHeader(offers))):
            headers.append(("Sec-WebSocket-Extensions", agreed))
            self._perMessageCompress = Inflation()
            self.deflates = True
        self._open(answer(asked.key, headers))

    def _open(self, greeting: bytes) -> None:
        kernel = self.kernel = self.transport.getHandle()
        for option, value in OPTIONS:
            with contextlib.suppress(OSError):  # a unix socket has none of them
                kernel.setsockopt(socket.IPPROTO_TCP, option, value)
        self.backlog = Backlog(JSON)  # of an application that knows of no sinks
        self.backlog.cut(greeting)
        self.utf8validator = Utf8Validator()
        self.state = self.STATE_OPEN
        self.transport.registerProducer(self, False)  # which drains
        if self.data:
            self.consumeData()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if self._closing:
            return
        if len(payload) > FRAME_BYTES:
            self._fail_connection(TOO_BIG.code, TOO_BIG.reason)
            return
        kind = "bytes" if isBinary else "text"
        data = payload if isBinary else payload.decode()
        if self._owner is not None and self._owner.heard(data):
            return
        self.hear({"type": "websocket.receive", kind: data})
        if not self._held and len(self._events) >= UNREAD_FRAMES:
            self._held = True
            self.transport.pauseProducing()

    def onMessageFrame(self, payload: list[bytes]) -> None:
        # A message may be empty fragments without end: nothing of them is held.
        super().onMessageFrame([part for part in payload if part])

    def _fail_connection(self, *args: Any, **kwargs: Any) -> None:
        # We read no more of it, so its answer to our close frame is not awaited.
        self.closeHandshakeTimeout = FAILED_SECONDS
        super()._fail_connection(*args, **kwargs)

    # Writing

    def want(self) -> None:
        self.transport.startWriting()

    def sendData(
        self, data: bytes, sync: bool = False, chopsize: int | None = None
    ) -> None:
        """What autobahn sends: the handshake, pongs, close frames."""
        if self.state == self.STATE_CONNECTING:
            self.transport.write(data)
        else:
            self.write(Frame(data))

    def resumeProducing(self) -> None:
        """The transport can take something; first called by the registration."""
        if not self._gone:
            self.drain()

    def stopProducing(self) -> None:
        """The connection is lost; `connectionLost` follows."""

    # Ending

    def close(self, close: Close) -> None:
        if self.state == self.STATE_OPEN and not self._gone:
            self.sendCloseFrame(close.code, close.reason.encode())

    def sendCloseFrame(self, *args: Any, **kwargs: Any) -> None:
        # Ours, or our answer to theirs: nothing may follow it (RFC 6455 §5.5.1).
        super().sendCloseFrame(*args, **kwargs)
        self.finish()

    def abort(self) -> None:
        self.transport.abortConnection()

    def connectionLost(self, reason: Any) -> None:
        # Before anybody else hears of it: its descriptor may be given to another.
        self.vanish()
        if self._inside:
            self.factory.server_class.doors.leave(self._address)
        super().connectionLost(reason)

    def _onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.hear({"type": "websocket.disconnect", "code": code})

    def ended(self, task: "asyncio.Task[None]") -> None:
        """The application has returned, or broke."""
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("socket failed", exc_info=error)
        if self._asked is not None:
            self.failHandshake("Internal server error", 500)
        else:
            self.close(INTERNAL)
