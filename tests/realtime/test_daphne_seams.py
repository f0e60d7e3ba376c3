"""What the edge overrides in daphne and autobahn is still what it was written against.

A red line here asks to read the new source, then to renew the hash.
"""

import hashlib
import inspect
from typing import Any

import pytest
from autobahn.twisted.websocket import WebSocketAdapterProtocol
from autobahn.websocket.compress_deflate import PerMessageDeflate
from autobahn.websocket.protocol import WebSocketProtocol, WebSocketServerProtocol
from daphne.http_protocol import WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory as DaphneFactory
from twisted.internet.abstract import FileDescriptor
from twisted.protocols.policies import TimeoutMixin
from twisted.web.http import HTTPChannel

SEAMS: list[tuple[Any, str]] = [
    (WebRequest.process, "28bd02703164"),
    (DaphneFactory.buildProtocol, "1a9afd2436b7"),
    (WebSocketProtocol.__init__, "19841ced845f"),
    (WebSocketProtocol._connectionMade, "5db775347182"),
    (WebSocketProtocol._connectionLost, "1907810453ab"),
    (WebSocketServerProtocol.processHandshake, "e3fc691807ac"),
    (WebSocketServerProtocol.succeedHandshake, "92be1ccde781"),
    (WebSocketAdapterProtocol.dataReceived, "2bc3f7c0ee9f"),
    (HTTPChannel.dataReceived, "1afa54f838bc"),
    (HTTPChannel.connectionMade, "ed55164293fa"),
    (Server.run, "34ebfcd6e06e"),
    (Server.create_application, "8bdfdc47c05d"),
    (WebSocketAdapterProtocol.connectionMade, "11092044a680"),
    (WebSocketProtocol.sendData, "e688d7c203ca"),
    (WebSocketProtocol.sendCloseFrame, "41901b8e5238"),
    (WebSocketProtocol._fail_connection, "230572cf74f2"),
    (WebSocketProtocol._dataReceived, "bd8f4b8f025d"),
    (WebSocketProtocol.dropConnection, "7d99231420b6"),
    (WebSocketProtocol.onMessageFrame, "ebef9cccfcbf"),
    (WebSocketServerProtocol.failHandshake, "531fdc0582a5"),
    (PerMessageDeflate.end_decompress_message, "4d4db8fdb018"),
    (TimeoutMixin.resetTimeout, "aeaa8fb8920c"),
    (HTTPChannel.allHeadersReceived, "36d3d12a1289"),
    (HTTPChannel.allContentReceived, "285e4d432752"),
    (HTTPChannel.requestDone, "f009bfce5615"),
    (FileDescriptor.doWrite, "4d2d197f0c6b"),
    (FileDescriptor.registerProducer, "ab0b3e4e2b7d"),
]


@pytest.mark.parametrize(
    ("method", "known"), SEAMS, ids=lambda v: getattr(v, "__qualname__", "")
)
def test_the_overridden_method_has_not_changed(method: Any, known: str) -> None:
    source = inspect.getsource(method).encode()
    assert hashlib.blake2b(source, digest_size=6).hexdigest() == known
