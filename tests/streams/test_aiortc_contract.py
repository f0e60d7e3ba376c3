"""What we use of aiortc, aioice and pylibsrtp though it is private or undocumented.

Their minors are pinned; on an upgrade this file fails first and says where.
"""

import asyncio
from typing import Any, cast

import aiortc
import pytest
from aioice import stun
from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtcdtlstransport import (
    SRTP_PROFILES,
    RTCCertificate,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from aiortc.rtp import RtcpPacket, RtcpRrPacket, pack_rtcp_packet
from aiortc.sdp import SessionDescription
from OpenSSL import SSL
from pylibsrtp._binding import ffi, lib

from streams.media.peer import Certificate
from tests.streams.media.offers import NAMES, load


def test_the_versions_are_those_that_were_read() -> None:
    assert aiortc.__version__.startswith("1.16.")


class Pipe:
    """A transport as RTCDtlsTransport takes it: `role`, `_recv`, `_send`."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.inbox: asyncio.Queue[bytes | None] = asyncio.Queue(64)
        self.other: Pipe

    async def _recv(self) -> bytes:
        data = await self.inbox.get()
        if data is None:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        self.other.inbox.put_nowait(data)


def ends() -> tuple[Pipe, Pipe]:
    one, two = Pipe("controlling"), Pipe("controlled")
    one.other, two.other = two, one
    return one, two


def transport(pipe: Pipe, certificate: RTCCertificate, role: str) -> RTCDtlsTransport:
    dtls = RTCDtlsTransport(cast(Any, pipe), [certificate])
    dtls._set_role(role)
    return dtls


@pytest.mark.parametrize("role", ["client", "server"])
async def test_hands_are_shaken_and_srtp_is_ours_to_take(role: str) -> None:
    one, two = ends()
    ours = Certificate.generateCertificate()
    their = RTCCertificate.generateCertificate()
    mine = transport(one, ours, role)
    peer = transport(two, their, "server" if role == "client" else "client")
    states: list[str] = []
    mine.on("statechange", lambda: states.append(mine.state))
    await asyncio.gather(
        mine.start(RTCDtlsParameters(their.getFingerprints())),
        peer.start(RTCDtlsParameters(ours.getFingerprints())),
    )
    assert states == ["connecting", "connected"]
    packet = b"\x80\x60" + bytes(10) + b"payload"
    assert peer._rx_srtp.unprotect(mine._tx_srtp.protect(packet)) == packet
    report = bytes(RtcpRrPacket(ssrc=1))
    assert peer._rx_srtp.unprotect_rtcp(mine._tx_srtp.protect_rtcp(report)) == report
    await peer.stop()  # close_notify, which the pump of ours reads
    async with asyncio.timeout(5):
        while mine.state != "closed":
            await asyncio.sleep(0)
    await mine.stop()


async def test_the_end_of_a_transport_is_a_connection_error() -> None:
    one, two = ends()
    certificate = Certificate.generateCertificate()
    dtls = transport(one, certificate, "client")
    one.inbox.put_nowait(None)
    await dtls.start(RTCDtlsParameters(certificate.getFingerprints()))
    assert dtls.state == "failed"
    assert two.inbox.qsize() == 1  # the hello


async def test_a_wrong_fingerprint_fails() -> None:
    one, two = ends()
    ours, their = (Certificate.generateCertificate() for _ in range(2))
    mine, peer = transport(one, ours, "server"), transport(two, their, "client")
    await asyncio.gather(
        mine.start(RTCDtlsParameters(ours.getFingerprints())),
        peer.start(RTCDtlsParameters(ours.getFingerprints())),
    )
    assert mine.state == "failed" and peer.state == "connected"
    await peer.stop()


async def test_libsrtp_protects_in_place_with_a_session_of_theirs() -> None:
    one, two = ends()
    certificate = Certificate.generateCertificate()
    mine, peer = (
        transport(one, certificate, "client"),
        transport(two, certificate, "server"),
    )
    prints = RTCDtlsParameters(certificate.getFingerprints())
    await asyncio.gather(mine.start(prints), peer.start(prints))
    packet = b"\x80\x60" + bytes(10) + b"payload"
    cell, length = ffi.new("char[]", 2048), ffi.new("int *")
    ffi.buffer(cell)[0 : len(packet)] = packet
    length[0] = len(packet)
    assert lib.srtp_protect(mine._tx_srtp._srtp[0], cell, length) == 0
    assert peer._rx_srtp.unprotect(bytes(ffi.buffer(cell, length[0]))) == packet
    await mine.stop()
    await peer.stop()


def test_no_cbc_suite_is_offered() -> None:
    certificate = Certificate.generateCertificate()
    context = certificate._create_ssl_context(SRTP_PROFILES)
    assert context is certificate._create_ssl_context(SRTP_PROFILES)
    suites = SSL.Connection(context).get_cipher_list()
    old = [name for name in suites if "GCM" not in name and "CHACHA" not in name]
    assert suites and old == []
    assert len(certificate.sha256) == 95


@pytest.mark.parametrize("name", NAMES)
def test_parsed_offers_have_the_fields_we_read(name: str) -> None:
    session = SessionDescription.parse(load(name))
    assert [group.semantic for group in session.group] == ["BUNDLE"]
    for media in session.media:
        assert media.kind in ("audio", "video") and media.rtcp_mux
        assert media.profile == "UDP/TLS/RTP/SAVPF" and media.fmt and media.direction
        assert media.ice is not None and not media.ice.iceLite
        assert media.rtp.muxId and media.rtp.codecs
        assert media.ice.usernameFragment and media.ice.password
        assert media.dtls is not None and media.dtls.role in (
            "auto",
            "client",
            "server",
        )
        assert media.dtls.fingerprints[0].algorithm


def test_unknown_rtcp_is_skipped_and_checks_carry_integrity() -> None:
    assert RtcpPacket.parse(pack_rtcp_packet(207, 0, bytes(4))) == []
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = "a:b"
    request.add_message_integrity(b"secret")
    read = stun.parse_message(bytes(request))
    assert read.check_message_integrity(b"secret")
    assert not read.check_message_integrity(b"other")


def test_the_estimator_says_bits_a_second_and_sources() -> None:
    estimator, told = RemoteBitrateEstimator(), None
    for n in range(600):
        sent = int(n * 0.010 * (1 << 18)) & 0xFFFFFF
        told = estimator.add(n * 10, sent, 1200, 7) or told
    assert told is not None and told[0] > 300_000 and told[1] == [7]
