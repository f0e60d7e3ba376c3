"""The fast edge: daphne, subclassed, with frames written straight to the socket.

This file alone knows daphne, Twisted and autobahn. What differs from stock: a send is
one system call while nothing waits, what waits is bounded (`Backlog`), empty messages
and close reasons arrive, frames may be compressed, no timer scans the sockets, and a
client that stops to read or floods us stops only itself.
"""

import asyncio
import contextlib
import gc
import logging
import resource
import select
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autobahn.websocket.compress_deflate import PerMessageDeflate
from autobahn.websocket.types import ConnectionDeny
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import reactor
from twisted.internet.interfaces import IPullProducer
from twisted.logger import globalLogBeginner
from zope.interface import implementer

from realtime.backlog import Backlog
from realtime.codecs import JSON
from realtime.deflate import agree
from realtime.doors import Doors, Limit, Network, cut, real_address
from realtime.edges.http import LiveHTTPFactory
from realtime.frames import Frame, plain
from realtime.metrics import connects
from realtime.protocol import FRAME_BYTES, INTERNAL, TOO_BIG, Close
from realtime.sends import share_the_lock
from realtime.sinks import SocketSink

logger = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 10
CLOSE_SECONDS = 10
FAILED_SECONDS = 1
UNREAD_FRAMES = 16
KERNEL_BYTES = 64 * 1024
KERNEL_SECONDS = 20
AGAIN_SECONDS = 5
QUEUE = 2048
"""Who may wait to be accepted."""
DESCRIPTORS = 0.8
"""The part of those allowed that sockets may take; the rest is for what serves them."""
REFUSED = {429: "Too Many Requests", 503: "Service Unavailable"}


@implementer(IPullProducer)
class LiveProtocol(WebSocketProtocol, SocketSink):  # type: ignore[misc] # daphne is untyped
    """One WebSocket, and the hub's sink of it."""

    websocket_extensions: list[Any]

    def connectionMade(self) -> None:
        super().connectionMade()
        # daphne left its HTTP channel as the transport's producer
        self.transport.unregisterProducer()
        self.backlog = Backlog(JSON)  # of an application that knows of no sinks
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()  # see onMessage
        self._held = self._registered = self._inside = False

    def onConnect(self, request: Any) -> Any:
        server, handle = self.factory.server_class, self.transport.getHandle()
        peer = getattr(self.transport.getPeer(), "host", "")
        forwarded = request.headers.get("x-forwarded-for", "")
        self._address = real_address(peer, forwarded, server.proxies)
        # The kernel gives out the lowest number that is free.
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        full = 0 <= most * DESCRIPTORS < handle.fileno()
        now = asyncio.get_running_loop().time()
        if refusal := server.doors.enter(self._address, now, full=full):
            connects.labels(refusal).inc()
            told = {"code": refusal, "address": cut(self._address)}
            logger.info("refused", extra=told)
            raise ConnectionDeny(refusal, REFUSED[refusal])
        self._inside = True
        return super().onConnect(request)

    def failHandshake(self, reason: str, code: int = 400, *_: Any) -> None:
        again = [("Retry-After", AGAIN_SECONDS)] if code in REFUSED else []
        super().failHandshake(reason, code, again)

    async def next(self) -> dict[str, Any]:
        """The application's `receive`."""
        event = await self._queue.get()
        if self._held and self._queue.qsize() < UNREAD_FRAMES:
            self._held = False
            self.transport.resumeProducing()
        return event

    async def reply(self, message: dict[str, Any]) -> None:
        """The application's `send`."""
        match message["type"]:
            case "websocket.accept" if not self._gone:
                self._accept(message.get("subprotocol"), message.get("headers", ()))
            case "websocket.close" if self.state == self.STATE_CONNECTING:
                self.serverReject()
            case "websocket.close":
                code, reason = message.get("code", 1000), message.get("reason", "")
                self.close(Close(code, reason or ""))
            case "websocket.send":
                text = message.get("text")
                self.write(plain(message["bytes"] if text is None else text))

    def _accept(
        self, subprotocol: str | None, given: Iterable[tuple[bytes, bytes]]
    ) -> None:
        headers: dict[str, list[str]] = {}
        for name, value in given:
            headers.setdefault(name.decode(), []).append(value.decode("latin-1"))
        offers = self.websocket_extensions
        self.websocket_extensions = []  # autobahn would agree to something else
        if agreed := agree(offers):
            headers["Sec-WebSocket-Extensions"] = [agreed]
            self._perMessageCompress = Inflation()
            self.deflates = True
        self.handshake_deferred.callback((subprotocol, headers))
        del self.handshake_deferred

    def onOpen(self) -> None:
        kernel = self.kernel = self.transport.getHandle()
        options = (
            ("TCP_NODELAY", 1),
            ("TCP_USER_TIMEOUT", KERNEL_SECONDS * 1000),
            ("TCP_NOTSENT_LOWAT", KERNEL_BYTES),
        )
        for name, value in options:
            if hasattr(socket, name):
                with contextlib.suppress(OSError):  # a unix socket has none of them
                    kernel.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self.transport.registerProducer(self, False)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if self._closing:
            return
        if len(payload) > FRAME_BYTES:
            self._fail_connection(TOO_BIG.code, TOO_BIG.reason)
            return
        kind = "bytes" if isBinary else "text"
        data = payload if isBinary else payload.decode()
        self._queue.put_nowait({"type": "websocket.receive", kind: data})
        if not self._held and self._queue.qsize() >= UNREAD_FRAMES:
            self._held = True
            self.transport.pauseProducing()

    def onMessageFrame(self, payload: list[bytes]) -> None:
        # A message may be empty fragments without end: nothing of them is held.
        super().onMessageFrame([part for part in payload if part])

    def dataReceived(self, data: bytes) -> None:
        # Once it broke the protocol nothing it says matters; autobahn would parse on.
        if not self.failedByMe:
            super().dataReceived(data)

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
        """The transport can take something.

        First called by the registration itself, then when the handshake has left.
        """
        if not self._registered:
            self._registered = True
            return
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

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self._queue.put_nowait({"type": "websocket.disconnect", "code": code})

    def ended(self, task: "asyncio.Task[None]") -> None:
        """The application has returned, or broke."""
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("socket failed", exc_info=error)
        if self.state == self.STATE_CONNECTING and hasattr(self, "handshake_deferred"):
            self.serverReject()
        else:
            self.close(INTERNAL)


class Inflation(PerMessageDeflate):  # type: ignore[misc] # autobahn is untyped
    """How clients' messages are inflated: bounded, and nothing kept between them."""

    def __init__(self) -> None:
        super().__init__(
            is_server=True,
            server_no_context_takeover=True,
            client_no_context_takeover=True,
            server_max_window_bits=0,
            client_max_window_bits=0,
            mem_level=0,
            # One more than may be (see onMessage): stopped at the bound itself, zlib
            # may keep up to 258 bytes, and the message would end early.
            max_message_size=FRAME_BYTES + 1,
        )

    def end_decompress_message(self) -> None:
        super().end_decompress_message()
        self._decompressor = None


class LiveFactory(WebSocketFactory):  # type: ignore[misc] # daphne is untyped
    protocol = LiveProtocol


class LiveServer(Server):  # type: ignore[misc] # daphne is untyped
    """daphne's server with our factory, on sockets that are already listening.

    `start` and `stop` are awaited on the loop: before the first connection, and after
    the last one was told goodbye. SIGTERM and SIGINT are the caller's. Of `proxies` it
    believes whom they say they speak for.
    """

    def __init__(
        self,
        application: Any,
        listener: socket.socket,
        limit: Limit | None = None,
        proxies: Sequence[Network] = (),
    ) -> None:
        super().__init__(
            application,
            endpoints=["adopted"],
            signal_handlers=False,
            server_name="souk",
            websocket_timeout=-1,
        )
        self._listener = listener
        self.doors = Doors(limit or Limit())
        self.proxies = proxies
        self._sockets: set[asyncio.Task[None]] = set()

    def run_until(self, main: Callable[["LiveServer"], Any]) -> None:
        """Run `main` on the loop; when it returns, so does this."""
        self.connections: dict[Any, Any] = {}
        self.http_factory = LiveHTTPFactory(self)
        self.ws_factory = LiveFactory(self, server=None)
        self.ws_factory.setProtocolOptions(
            allowNullOrigin=True,
            failByDrop=False,
            openHandshakeTimeout=HANDSHAKE_SECONDS,
            closeHandshakeTimeout=CLOSE_SECONDS,
            # autobahn adds up what is inflated and the next frame as it came.
            maxMessagePayloadSize=2 * FRAME_BYTES,
            maxFramePayloadSize=FRAME_BYTES,
        )
        globalLogBeginner.beginLoggingTo(
            [lambda _: None], redirectStandardIO=False, discardBuffer=True
        )
        loop = reactor._asyncioEventloop
        asyncio.set_event_loop(loop)
        share_the_lock()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        reactor.callLater(1, self.application_checker)
        task = None

        def begin() -> None:
            nonlocal task
            task = loop.create_task(main(self))
            task.add_done_callback(lambda _: reactor.stop())

        reactor.callWhenRunning(begin)
        reactor.run(installSignalHandlers=False)
        if task is not None:
            task.result()

    def listen(self) -> None:
        """Accept from now on."""
        family = self._listener.family
        self._port = reactor.adoptStreamPort(
            self._listener.fileno(), family, self.http_factory
        )
        self._listener.close()

    def stop_listening(self) -> None:
        """Take those who wait in the queue, then nobody: closing it would cut them."""
        waiting = select.poll()
        waiting.register(self._port.fileno(), select.POLLIN)
        for _ in range(QUEUE):
            if not waiting.poll(0):
                break
            self._port.doRead()
        self._port.stopListening()

    async def closed(self, seconds: float) -> None:
        """Until every socket has ended, at most so long."""
        if self._sockets:
            await asyncio.wait(self._sockets, timeout=seconds)

    def protocol_connected(self, protocol: Any) -> None:
        if not isinstance(protocol, LiveProtocol):
            super().protocol_connected(protocol)

    def protocol_disconnected(self, protocol: Any) -> None:
        if not isinstance(protocol, LiveProtocol):
            super().protocol_disconnected(protocol)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        self._look_through(scope)
        if not isinstance(protocol, LiveProtocol):
            return super().create_application(protocol, scope)
        scope["asgi"] = {"version": "3.0"}
        scope["extensions"] = {"souk.sink": protocol}
        work = self.application(scope, protocol.next, protocol.reply)
        task = asyncio.get_running_loop().create_task(work)
        self._sockets.add(task)
        task.add_done_callback(self._sockets.discard)
        task.add_done_callback(protocol.ended)
        return protocol._queue

    def _look_through(self, scope: dict[str, Any]) -> None:
        """Tell the application who asks, not which proxy."""
        if scope["client"] and self.proxies:
            peer, port = scope["client"]
            told = [v for name, v in scope["headers"] if name == b"x-forwarded-for"]
            forwarded = b",".join(told).decode("latin-1")
            scope["client"] = [real_address(peer, forwarded, self.proxies), port]
