"""The port: who is answered, and from where."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aioice import stun

from streams.media.ice import LiteTransport, Path, UdpMux


class Guest:
    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []
        self.paths: list[Path] = []

    def checked(self, path: Path, ufrag: str, nominated: bool) -> None:
        self.paths.append(path)
        self.seen.append(("checked", ufrag, nominated))

    def receive_dtls(self, data: bytes) -> None:
        self.seen.append(("dtls", data))

    def receive_srtp(self, data: bytes) -> None:
        self.seen.append(("srtp", data))


@pytest.fixture
async def mux() -> AsyncIterator[UdpMux]:
    mux = UdpMux()
    mux.open(0, ["127.0.0.1"])
    yield mux
    mux.close()


class Remote:
    """A socket of somebody."""

    def __init__(self, mux: UdpMux, address: str = "127.0.0.1") -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.bind((address, 0))
        self._to = ("127.0.0.1", mux.port)

    def send(self, data: bytes) -> None:
        self.sock.sendto(data, self._to)

    async def answer(self, within: float = 5.0) -> bytes:
        async with asyncio.timeout(within):
            return await asyncio.get_running_loop().sock_recv(self.sock, 2048)

    def heard(self) -> bool:
        try:
            return bool(self.sock.recv(2048))
        except BlockingIOError:
            return False

    def close(self) -> None:
        self.sock.close()


@pytest.fixture
async def remote(mux: UdpMux) -> AsyncIterator[Remote]:
    remote = Remote(mux)
    yield remote
    remote.close()


def check(ufrag: str, pwd: str, nominate: bool = False) -> bytes:
    request = stun.Message(
        stun.Method.BINDING,
        stun.Class.REQUEST,
        attributes={"USERNAME": f"{ufrag}:theirs", "PRIORITY": 1},
    )
    if nominate:
        request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(pwd.encode())
    return bytes(request)


async def settle(mux: UdpMux, guest: Guest, remote: Remote, ufrag: str) -> None:
    """A barrier: everything sent before was read when this check is."""
    before = len(guest.paths)
    ufrag, pwd = mux.expect(guest)
    remote.send(check(ufrag, pwd))
    async with asyncio.timeout(5):
        while len(guest.paths) == before:
            await asyncio.sleep(0)


async def test_a_right_check_is_answered_and_lets_in(
    mux: UdpMux, remote: Remote
) -> None:
    guest = Guest()
    ufrag, pwd = mux.expect(guest)
    remote.send(check(ufrag, pwd, nominate=True))
    response = stun.parse_message(await remote.answer())
    assert response.message_class == stun.Class.RESPONSE
    assert response.check_message_integrity(pwd.encode())
    assert response.attributes["XOR-MAPPED-ADDRESS"] == remote.sock.getsockname()
    remote.send(b"\x16dtls")
    remote.send(b"\x80\x60srtp")
    remote.send(b"\x40turn")
    await settle(mux, guest, remote, ufrag)
    assert guest.seen[:3] == [
        ("checked", ufrag, True),
        ("dtls", b"\x16dtls"),
        ("srtp", b"\x80\x60srtp"),
    ]


async def test_strangers_hear_nothing(mux: UdpMux, remote: Remote) -> None:
    guest = Guest()
    ufrag, pwd = mux.expect(guest)
    strange = Remote(mux)
    good = check(ufrag, pwd)
    for data in (
        b"",
        b"\x00",
        b"hello",
        b"\x16\xfe\xfd a ClientHello of somebody",
        b"\x80\x60 a packet of somebody",
        check(ufrag, "wrong" * 5),
        check("nobody", pwd),
        good[:-4] + b"oops",  # a broken FINGERPRINT
        good[:30],
        bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)),
        struct.pack("!HHI12s", 1, 0, stun.COOKIE, bytes(12)),
    ):
        strange.send(data)
    await settle(mux, guest, remote, ufrag)
    assert not strange.heard()
    assert [seen for seen in guest.seen if seen[0] != "checked"] == []
    assert mux.dropped == 11
    strange.close()


async def test_who_left_is_a_stranger(mux: UdpMux, remote: Remote) -> None:
    guest, other = Guest(), Guest()
    ufrag, pwd = mux.expect(guest)
    remote.send(check(ufrag, pwd))
    await remote.answer()
    mux.forget(guest, [ufrag])
    remote.send(check(ufrag, pwd))
    remote.send(b"\x80\x60srtp")
    probe = Remote(mux)
    await settle(mux, other, probe, "")
    assert not remote.heard()
    assert len(guest.seen) == 1
    probe.close()


async def test_expired_credentials_no_longer_work(mux: UdpMux, remote: Remote) -> None:
    guest = Guest()
    old, old_pwd = mux.expect(guest)
    new, new_pwd = mux.expect(guest)
    mux.expire(old)
    remote.send(check(old, old_pwd))
    remote.send(check(new, new_pwd))
    await remote.answer()
    assert [seen[1] for seen in guest.seen] == [new]


async def test_a_guest_has_eight_addresses_at_most(mux: UdpMux) -> None:
    guest = Guest()
    ufrag, pwd = mux.expect(guest)
    remotes = [Remote(mux) for _ in range(10)]
    for remote in remotes:
        remote.send(check(ufrag, pwd))
        await remote.answer()
    for remote in remotes:
        remote.send(b"\x16" + str(remote.sock.getsockname()[1]).encode())
    await settle(mux, guest, remotes[0], ufrag)
    assert len([seen for seen in guest.seen if seen[0] == "dtls"]) == 8
    for remote in remotes:
        remote.close()


async def test_an_answer_leaves_from_the_address_that_was_reached(
    namespace: None,
) -> None:
    mux, guest = UdpMux(), Guest()
    mux.open(0, ["10.77.0.1", "127.0.0.1"])
    remote = Remote(mux, "10.77.0.1")  # as Chromium with camera permission
    ufrag, pwd = mux.expect(guest)
    remote.send(check(ufrag, pwd))
    async with asyncio.timeout(5):
        loop = asyncio.get_running_loop()
        _, source = await loop.sock_recvfrom(remote.sock, 2048)
    assert source == ("127.0.0.1", mux.port)
    remote.close()
    mux.close()


async def test_an_unanswered_hello_is_repeated_before_openssl_would() -> None:
    sent: list[float] = []
    loop = asyncio.get_running_loop()

    class Line(Path):
        def __init__(self) -> None:
            pass

        def send(self, data: bytes | memoryview) -> bool:
            sent.append(loop.time())
            return True

    transport = LiteTransport(client=True)
    transport.follow(Line())
    began = loop.time()
    await transport._send(b"hello")
    async with asyncio.timeout(5):
        while len(sent) < 4:
            await asyncio.sleep(0.01)
    assert [round(at - began, 1) for at in sent] == [0.0, 0.1, 0.3, 0.7]
    await transport._send(b"again")
    transport.receive(b"server hello")
    assert await transport._recv() == b"server hello"
    transport.close()
    with pytest.raises(ConnectionError):
        await transport._recv()
