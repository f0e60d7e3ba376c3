"""A request for a socket is understood, or refused by the right status."""

from socket import IPPROTO_TCP, TCP_NODELAY

import pytest

from realtime.edges.handshake import Refused, answer, read
from tests.live import Server
from tests.realtime.raw import RawSocket

HEAD = b"""GET /connection/websocket?v=1 HTTP/1.1
Host: shop.example
Upgrade: h2c, WebSocket
Connection: keep-alive, Upgrade
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Sec-WebSocket-Protocol: souk.msgpack.v1
Sec-WebSocket-Protocol: other
X-Forwarded-For:  10.0.0.1 """.replace(b"\n", b"\r\n")


def test_a_request_is_understood() -> None:
    asked = read(HEAD)
    assert (asked.path, asked.query) == (b"/connection/websocket", b"v=1")
    assert asked.protocols == ["souk.msgpack.v1", "other"]
    assert asked.headers[b"host"] == b"shop.example"
    assert asked.headers[b"x-forwarded-for"] == b"10.0.0.1"


def test_the_answer_is_that_of_the_rfc() -> None:
    told = answer(read(HEAD).key, [("Sec-WebSocket-Protocol", "other")])
    assert told.startswith(b"HTTP/1.1 101 ") and told.endswith(b"\r\n\r\n")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in told
    assert b"\r\nSec-WebSocket-Protocol: other\r\n" in told


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (b"GET", b"POST", 405),
        (b"HTTP/1.1", b"HTTP/1.0", 505),
        (b"?v=1", b"?v=1#here", 400),
        (b"?v=1", b"?v=\xff", 400),
        (b"GET ", b"GET  ", 400),
        (b"Host: shop.example\r\n", b"", 400),
        (b"Host:", b"Host: a\r\nHost:", 400),
        (b"Host:", b"Host :", 400),
        (b"Host:", b" folded\r\nHost:", 400),
        (b"Host:", b"Origin: http://a\r\nOrigin: http://b\r\nHost:", 400),
        (b"shop.example", b"shop\nexample", 400),
        (b"shop.example", b"shop\x00example", 400),
        (b"h2c, WebSocket", b"h2c", 400),
        (b"keep-alive, Upgrade", b"keep-alive", 400),
        (b"Version: 13", b"Version: 8", 426),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhlIHNhbXBsZQ==", 400),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhlIHNhbXBsZSBub25jZ===", 400),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhlIHNhbXBs*SBub25jZQ==", 400),
        (b"Host:", b"A: b\r\n" * 100 + b"Host:", 431),
    ],
)
def test_what_is_wrong_with_a_request_is_told(
    before: bytes, after: bytes, code: int
) -> None:
    assert HEAD.count(before) == 1
    with pytest.raises(Refused) as refused:
        read(HEAD.replace(before, after))
    assert refused.value.code == code


@pytest.mark.parametrize("cut", [0, 5, 100], ids=["whole", "early", "late"])
def test_a_request_may_come_in_pieces(server: Server, cut: int) -> None:
    head = HEAD.replace(b"h2c, ", b"").replace(b"souk.msgpack.v1", b"none")
    head += b"\r\n\r\n"
    with RawSocket(server.url) as client:
        client.socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        client.socket.sendall(head[:cut])
        if cut:
            # A connection accepted after the first piece: the piece was read by then.
            with RawSocket(server.url) as other:
                assert other.upgrade().startswith("HTTP/1.1 101 ")
        client.socket.sendall(head[cut:])
        assert client.head().startswith("HTTP/1.1 101 ")
        client.send({"id": 1, "ping": {}})  # before connect
        assert next(client.messages()) == {"close": 3501}
