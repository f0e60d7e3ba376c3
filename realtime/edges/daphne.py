"""The fast edge's server: daphne, subclassed, on sockets that are already listening.

No timer scans its sockets, SIGTERM is not its business, and what a client meets first
is bounded. Only the files of this folder know daphne, Twisted and autobahn. Neighbours:
http.py (requests), socket.py (one WebSocket), doors.py (who may come in).
"""

import asyncio
import gc
import select
import socket
from collections.abc import Callable, Sequence
from typing import Any

from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory
from twisted.internet import reactor
from twisted.logger import globalLogBeginner

from realtime.doors import Doors, Limit, Network, real_address
from realtime.edges.http import LiveHTTPFactory
from realtime.edges.socket import LiveProtocol
from realtime.protocol import FRAME_BYTES
from realtime.sends import share_the_lock

CLOSE_SECONDS = 10


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
            failByDrop=False,
            closeHandshakeTimeout=CLOSE_SECONDS,
            # autobahn adds up what is inflated and the next frame as it came.
            maxMessagePayloadSize=2 * FRAME_BYTES,
            maxFramePayloadSize=FRAME_BYTES,
        )
        LiveProtocol.configure(self.ws_factory)
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
        for _ in range(socket.SOMAXCONN):
            if not waiting.poll(0):
                break
            self._port.doRead()
        self._port.stopListening()

    async def closed(self, seconds: float) -> None:
        """Until every socket has ended, at most so long."""
        if self._sockets:
            await asyncio.wait(self._sockets, timeout=seconds)

    def serve(self, protocol: LiveProtocol, scope: dict[str, Any]) -> None:
        """Begin what a socket is for."""
        work = self.application(scope, protocol.next, protocol.reply)
        protocol.hear({"type": "websocket.connect"})
        task = asyncio.get_running_loop().create_task(work)
        self._sockets.add(task)
        task.add_done_callback(self._sockets.discard)
        task.add_done_callback(protocol.ended)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        self._look_through(scope)
        return super().create_application(protocol, scope)

    def _look_through(self, scope: dict[str, Any]) -> None:
        """Tell the application who asks, not which proxy."""
        if scope["client"] and self.proxies:
            peer, port = scope["client"]
            told = [v for name, v in scope["headers"] if name == b"x-forwarded-for"]
            forwarded = b",".join(told).decode("latin-1")
            scope["client"] = [real_address(peer, forwarded, self.proxies), port]
