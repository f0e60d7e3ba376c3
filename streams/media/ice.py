"""One UDP port for every peer: ICE-lite (RFC 8445 §2.5) and the RFC 7983 demultiplexer.

A datagram is answered from the address that it reached (IP_PKTINFO): with camera
permission Chromium sends from its LAN address to 127.0.0.1, and an answer from another
address leaves its ICE `checking`. Nothing is ever sent to an address without a check
that passed MESSAGE-INTEGRITY. Neighbour: peer.py, which owns what is behind a path.
"""

import asyncio
import contextlib
import ipaddress
import secrets
import socket
import struct
from collections.abc import Sequence
from typing import Any, Protocol

from aioice import stun

IP_PKTINFO = 8  # Linux; the socket module has no name for it before Python 3.14
_TURN = 64  # datagrams a loop turn, so that a flood does not starve timers
_BUFFER = 4 << 20
_ADDRESSES_A_PEER = 8


class Path:
    """Where a peer is reached: remote address, and ours that it knows."""

    __slots__ = ("_ancillary", "_sock", "remote")

    def __init__(
        self, sock: socket.socket, remote: Any, ancillary: list[tuple[int, int, bytes]]
    ) -> None:
        self._sock = sock
        self._ancillary = ancillary
        self.remote = remote

    def send(self, data: bytes | memoryview) -> bool:
        """Send one datagram; False if it could not leave (it is lost then)."""
        try:
            if self._ancillary:
                self._sock.sendmsg((data,), self._ancillary, 0, self.remote)
            else:
                self._sock.sendto(data, self.remote)
        except OSError:  # a full buffer, an address that went away
            return False
        return True


class Guest(Protocol):
    """Who is behind a ufrag: what arrives from a checked address goes there."""

    def checked(self, path: Path, ufrag: str, nominated: bool) -> None:
        """A connectivity check passed on this path."""

    def receive_dtls(self, data: bytes) -> None:
        """A DTLS record came."""

    def receive_srtp(self, data: bytes) -> None:
        """An SRTP or SRTCP packet came."""


class UdpMux:
    """The port. `expect` lets a guest in by name and password, `forget` out again."""

    def __init__(self) -> None:
        self.port = 0
        self.dropped = 0  # datagrams of strangers, failed checks
        self._sockets: list[socket.socket] = []
        self._expected: dict[str, tuple[bytes, Guest]] = {}
        self._guests: dict[Any, Guest] = {}
        self._addresses: dict[Guest, list[Any]] = {}

    def open(self, port: int, addresses: Sequence[str]) -> None:
        """Bind: loopback only if all `addresses` are, else every address of both
        families. Raises OSError if no family can be bound."""
        ips = [ipaddress.ip_address(a) for a in addresses]
        if ips and all(ip.is_loopback for ip in ips):
            hosts = [str(ip) for ip in dict.fromkeys(ips)]
        else:
            hosts = ["0.0.0.0", "::"]  # noqa: S104  viewers come from anywhere
        self.port = port
        for host in hosts:
            try:
                self._sockets.append(self._bind(host))
            except OSError:
                if host != "::":  # a machine without IPv6 is in order
                    self.close()
                    raise

    def _bind(self, host: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
            sock.bind((host, self.port))
        except OSError:
            sock.close()
            raise
        self.port = sock.getsockname()[1]
        asyncio.get_running_loop().add_reader(sock, self._readable, sock)
        return sock

    def close(self) -> None:
        """Close the port; guests hear nothing more."""
        for sock in self._sockets:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        self._sockets.clear()
        self._expected.clear()
        self._guests.clear()
        self._addresses.clear()

    def expect(self, guest: Guest) -> tuple[str, str]:
        """Credentials for a guest: its checks name the ufrag and are keyed by the
        password (both fresh; RFC 8445 §5.3 asks for 24 and 128 bits)."""
        ufrag, pwd = secrets.token_hex(6), secrets.token_hex(16)
        self._expected[ufrag] = (pwd.encode(), guest)
        self._addresses.setdefault(guest, [])
        return ufrag, pwd

    def expire(self, ufrag: str) -> None:
        """Forget one set of credentials: an ICE restart replaced it."""
        self._expected.pop(ufrag, None)

    def forget(self, guest: Guest, ufrags: Sequence[str]) -> None:
        """Forget a guest, its credentials and its addresses."""
        for ufrag in ufrags:
            self._expected.pop(ufrag, None)
        for remote in self._addresses.pop(guest, []):
            if self._guests.get(remote) is guest:
                del self._guests[remote]

    def _readable(self, sock: socket.socket) -> None:
        for _ in range(_TURN):
            try:
                data, ancillary, _, remote = sock.recvmsg(2048, 64)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an earlier send
                continue
            self._received(sock, data, ancillary, remote)

    def _received(
        self, sock: socket.socket, data: bytes, ancillary: list[Any], remote: Any
    ) -> None:
        first = data[0] if data else 255
        if first < 4:
            self._check(sock, data, ancillary, remote)
        elif (guest := self._guests.get(remote)) is None:
            self.dropped += 1
        elif 128 <= first < 192:
            guest.receive_srtp(data)
        elif 20 <= first < 64:
            guest.receive_dtls(data)

    def _check(
        self, sock: socket.socket, data: bytes, ancillary: list[Any], remote: Any
    ) -> None:
        """Answer a connectivity check, if it is one for a guest of ours."""
        try:
            request = stun.parse_message(data)
            ufrag = str(request.attributes["USERNAME"]).partition(":")[0]
            pwd, guest = self._expected[ufrag]
        except (ValueError, KeyError, IndexError, struct.error):
            self.dropped += 1
            return
        binding = request.message_class == stun.Class.REQUEST
        if not binding or not request.check_message_integrity(pwd):
            self.dropped += 1
            return
        path = Path(sock, remote, _reply_from(sock, ancillary))
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
            attributes={"XOR-MAPPED-ADDRESS": remote[:2]},
        )
        response.add_message_integrity(pwd)
        path.send(bytes(response))
        self._admit(guest, remote)
        guest.checked(path, ufrag, "USE-CANDIDATE" in request.attributes)

    def _admit(self, guest: Guest, remote: Any) -> None:
        if self._guests.get(remote) is guest:
            return
        self._guests[remote] = guest
        known = self._addresses[guest]
        known.append(remote)
        if len(known) > _ADDRESSES_A_PEER:
            oldest = known.pop(0)
            if self._guests.get(oldest) is guest:
                del self._guests[oldest]


def _reply_from(
    sock: socket.socket, ancillary: list[Any]
) -> list[tuple[int, int, bytes]]:
    """Control data that makes an answer leave from the address that was reached; none
    where the socket is bound to one address."""
    if sock.getsockname()[0] not in ("0.0.0.0", "::"):  # noqa: S104  asked, not bound
        return []
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
            _, _, reached = struct.unpack("=I4s4s", data[:12])
            return [(level, kind, struct.pack("=I4s4s", 0, reached, bytes(4)))]
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            return [(level, kind, data)]
    return []


class LiteTransport:
    """What RTCDtlsTransport takes for an ICE transport: DTLS records in and out.

    As a DTLS client it repeats an unanswered flight after 100, 200 and 400 ms, since
    OpenSSL waits a second before it does.
    """

    role = "controlled"

    def __init__(self, client: bool) -> None:
        self._client = client
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue(64)
        self._path: Path | None = None
        self._flight: list[bytes] = []
        self._again: asyncio.TimerHandle | None = None
        self._closed = False

    def follow(self, path: Path) -> None:
        """Send on this path from now on."""
        self._path = path

    def receive(self, data: bytes) -> None:
        """Hand in a record; a full inbox drops it, DTLS repeats."""
        self._answered()
        with contextlib.suppress(asyncio.QueueFull):
            self._inbox.put_nowait(data)

    def close(self) -> None:
        """End: who waits for a record gets ConnectionError."""
        self._closed = True
        self._answered()
        with contextlib.suppress(asyncio.QueueFull):
            self._inbox.put_nowait(None)

    async def _recv(self) -> bytes:
        if self._closed and self._inbox.empty():
            raise ConnectionError
        data = await self._inbox.get()
        if data is None:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        if self._path is None:
            raise ConnectionError
        self._path.send(data)
        if self._client and not self._closed:
            self._flight.append(data)
            if self._again is None:
                self._repeat_after(0.1)

    def _repeat_after(self, delay: float) -> None:
        loop = asyncio.get_running_loop()
        self._again = loop.call_later(delay, self._repeat, delay)

    def _repeat(self, delay: float) -> None:
        self._again = None
        for data in self._flight:
            if self._path is not None:
                self._path.send(data)
        if delay < 0.4:
            self._repeat_after(2 * delay)

    def _answered(self) -> None:
        self._flight.clear()
        if self._again is not None:
            self._again.cancel()
            self._again = None
