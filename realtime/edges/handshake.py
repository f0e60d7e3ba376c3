"""The opening handshake of a WebSocket (RFC 6455 §4.2), from bytes to bytes. Pure.

Whoever asks wrongly is told why by a status; nothing doubtful is guessed at, as a proxy
before us may have understood something else.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from hashlib import sha1

from msgspec import Struct

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
VERSION = b"13"
HEADERS = 100
ONCE = frozenset(
    (
        *(b"host", b"origin", b"sec-websocket-key", b"sec-websocket-version"),
        *(b"sec-websocket-extensions", b"content-length", b"transfer-encoding"),
    )
)

_line = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\r\n]*?)[ \t]*")
_target = re.compile(rb"[!-\"$-~]+").fullmatch  # no fragment, nothing but ASCII


class Refused(Exception):
    """What a request gets instead: `code`, and why."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(code, why)
        self.code = code
        self.why = why


class Asked(Struct, frozen=True):
    """A request that may become a socket. Names of headers are in lower case."""

    path: bytes
    query: bytes
    headers: dict[bytes, bytes]
    protocols: list[str]

    @property
    def key(self) -> bytes:
        return self.headers[b"sec-websocket-key"]


def read(head: bytes) -> Asked:
    """Understand a request's head, up to its empty line; raises `Refused`."""
    first, *lines = head.split(b"\r\n")
    parts = first.split(b" ")
    if len(parts) != 3 or not _target(parts[1]):
        raise Refused(400, "bad request line")
    method, target, version = parts
    if method != b"GET":
        raise Refused(405, "only GET opens a socket")
    if version != b"HTTP/1.1":
        raise Refused(505, "HTTP/1.1 only")
    headers = _headers(lines)
    _check(headers)
    protocols = _items(headers.get(b"sec-websocket-protocol", b""))
    path, _, query = target.partition(b"?")
    return Asked(path, query, headers, [name.decode("latin-1") for name in protocols])


def _headers(lines: Sequence[bytes]) -> dict[bytes, bytes]:
    if len(lines) > HEADERS:
        raise Refused(431, "too many headers")
    found: dict[bytes, bytes] = {}
    for line in lines:
        if (match := _line.fullmatch(line)) is None:
            raise Refused(400, "bad header")
        name, value = match[1].lower(), match[2]
        if name in found:
            if name in ONCE:
                raise Refused(400, f"{name.decode()} twice")
            value = found[name] + b"," + value
        found[name] = value
    return found


def _check(headers: dict[bytes, bytes]) -> None:
    if b"host" not in headers:
        raise Refused(400, "no Host")
    if b"websocket" not in _items(headers.get(b"upgrade", b"").lower()):
        raise Refused(400, "no upgrade to websocket")
    if b"upgrade" not in _items(headers.get(b"connection", b"").lower()):
        raise Refused(400, "Connection without upgrade")
    if headers.get(b"sec-websocket-version") != VERSION:
        raise Refused(426, "WebSocket version 13 only")
    key = headers.get(b"sec-websocket-key", b"")
    try:
        fits = len(key) == 24 and len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        fits = False
    if not fits:
        raise Refused(400, "bad Sec-WebSocket-Key")


def _items(value: bytes) -> list[bytes]:
    return [item.strip() for item in value.split(b",") if item] if value else []


def answer(key: bytes, more: Sequence[tuple[str, str]] = ()) -> bytes:
    """101, with `more` headers."""
    digest = base64.b64encode(sha1(key + MAGIC, usedforsecurity=False).digest())
    told = "".join(f"{name}: {value}\r\n" for name, value in more)
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n%b\r\n"
    ) % (digest, told.encode("latin-1"))
