"""autobahn's reader of frames without what it does for each connection.

It copies forty options, sets thirty attributes and makes two deferreds each time, and
pretty-prints them for a log. What is alike for all stands here, on the class; what a
client's compressed message is inflated with is bounded.
"""

from collections import deque
from typing import Any

from autobahn.websocket.compress_deflate import PerMessageDeflate
from autobahn.websocket.protocol import TrafficStats
from autobahn.websocket.protocol import WebSocketProtocol as Base
from daphne.ws_protocol import WebSocketProtocol

from realtime.protocol import FRAME_BYTES


class Unheard:
    """What autobahn tells when it opens and closes: nobody asks."""

    def callback(self, _: object) -> None: ...


class BareProtocol(WebSocketProtocol):  # type: ignore[misc] # daphne is untyped
    """Reads frames; the handshake and all writing are LiveProtocol's."""

    # What autobahn sets on each connection when it begins.
    peer = ""
    is_open = is_closed = Unheard()
    trackedTimings = None
    trafficStats = TrafficStats()  # of all, and nobody reads it
    send_queue: deque[Any] = deque()  # never used: see sendData
    state, send_state = Base.STATE_CONNECTING, Base.SEND_STATE_GROUND
    data = b""
    websocket_version = 13
    triggered = inside_message = False
    current_frame = None
    _perMessageCompress: Any = None
    wasMaxFramePayloadSizeExceeded = wasMaxMessagePayloadSizeExceeded = False
    closedByMe = failedByMe = droppedByMe = wasClean = False
    wasServerConnectionDropTimeout = wasOpenHandshakeTimeout = False
    wasCloseHandshakeTimeout = wasServingFlashSocketPolicyFile = False
    wasNotCleanReason = localCloseCode = localCloseReason = None
    remoteCloseCode = remoteCloseReason = None
    openHandshakeTimeoutCall = closeHandshakeTimeoutCall = None
    autoPingTimeoutCall = autoPingPending = autoPingPendingCall = None
    autoPingPendingSent = None
    autoPingPendingSeq = 0

    def __init__(self) -> None:
        """None of what stands above."""

    @classmethod
    def configure(cls, factory: Any) -> None:
        """autobahn copies each option to each connection unless the class has it."""
        for name in cls.CONFIG_ATTRS:
            setattr(cls, name, getattr(factory, name))

    def connectionMade(self) -> None:
        # The HTTP channel was the transport's producer.
        self.transport.unregisterProducer()

    def dataReceived(self, data: bytes) -> None:
        # Once it broke the protocol nothing it says matters; autobahn would parse on.
        if not self.failedByMe:
            self._dataReceived(data)

    def connectionLost(self, reason: Any) -> None:
        Base._connectionLost(self, reason)


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
