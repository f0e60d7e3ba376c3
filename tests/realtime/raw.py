"""A WebSocket by hand: it reads only when told, and sends what no library would."""

import json
import select
import socket
from collections.abc import Iterator
from typing import Any, Self
from urllib.parse import urlsplit

from realtime.testing import PATH

WAIT_SECONDS = 15.0
REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class RawSocket:
    """One connection to a server of ours. Every wait ends after 15 s with TimeoutError.

    `buffer` is the kernel's for reading. Not smaller than a segment of the loopback:
    it would open its window by probes, seconds apart.
    """

    def __init__(self, url: str, *, buffer: int = 0, source: str = "") -> None:
        self.host = urlsplit(url).netloc
        host, port = self.host.split(":")
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        if source:
            self.socket.bind((source, 0))
        self.socket.settimeout(WAIT_SECONDS)
        self.socket.connect((host, int(port)))
        self.rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def upgrade(self, path: str = PATH, **headers: str) -> str:
        """The whole head of the answer; `Sec_WebSocket_Extensions="…"` and others."""
        lines = [f"{name.replace('_', '-')}: {v}\r\n" for name, v in headers.items()]
        request = REQUEST.format(path=path, host=self.host) + "".join(lines) + "\r\n"
        self.socket.sendall(request.encode())
        return self.head()

    def head(self) -> str:
        while b"\r\n\r\n" not in self.rest:
            self._more()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        return head.decode()

    def send(self, *messages: dict[str, Any]) -> None:
        self.send_frame(0x81, "\n".join(map(json.dumps, messages)).encode())

    def send_frame(self, first: int, payload: bytes) -> None:
        """`first`: the bits FIN, RSV1–3 and the opcode. Its mask changes nothing."""
        self.socket.sendall(frame_head(first, len(payload)) + payload)

    def frame(self) -> tuple[int, bytes]:
        """The next frame: its first byte and payload."""
        first, size = self._take(2)
        if size == 126:
            size = int.from_bytes(self._take(2))
        elif size == 127:
            size = int.from_bytes(self._take(8))
        return first, self._take(size)

    def messages(self) -> Iterator[dict[str, Any]]:
        """All there is, until the close frame, which comes as `{"close": code}`."""
        while True:
            first, payload = self.frame()
            if first & 0x0F == 8:
                yield {"close": int.from_bytes(payload[:2])}
                return
            yield from map(json.loads, payload.decode().split("\n"))

    def until(self, wanted: str) -> list[dict[str, Any]]:
        """Messages up to the first that holds this text."""
        read: list[dict[str, Any]] = []
        for message in self.messages():
            read.append(message)
            if wanted in json.dumps(message):
                return read
        raise AssertionError(f"{wanted} never came: {read[-3:]}")

    def wait_for_the_end(self, seconds: float) -> None:
        """Until the other side is gone, reading nothing. Raises TimeoutError."""
        watch = select.poll()
        watch.register(self.socket, 0)  # errors and the end are always told
        if not watch.poll(seconds * 1000):
            raise TimeoutError

    def _take(self, size: int) -> bytes:
        while len(self.rest) < size:
            self._more()
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("cut")
        self.rest += data


def frame_head(first: int, size: int) -> bytes:
    """The head of a client's frame, with a mask of zeros."""
    if size < 126:
        length = bytes((0x80 | size,))
    elif size < 65536:
        length = bytes((0x80 | 126,)) + size.to_bytes(2, "big")
    else:
        length = bytes((0x80 | 127,)) + size.to_bytes(8, "big")
    return bytes((first,)) + length + bytes(4)
