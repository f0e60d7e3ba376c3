"""One remote endpoint: who is behind an ice-ufrag, its DTLS, its SRTP, its consent.

aiortc's RTCDtlsTransport shakes hands over our LiteTransport and keeps pumping DTLS
(close_notify); the SRTP sessions it made are used here, directly. Neighbours: ice.py
brings datagrams, publisher.py and viewer.py own a peer each.
"""

import asyncio
import logging
import struct
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

import pylibsrtp
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from aiortc.rtp import RtcpPacket

from streams.media.ice import LiteTransport, Path, UdpMux
from streams.media.sdp import Offer

_log = logging.getLogger(__name__)
_CONSENT_S = 30.0  # RFC 7675
_RTCP_A_SECOND = 200


class Certificate(RTCCertificate):
    """A key of this process, without aiortc's two CBC suites (ASVS 17.2)."""

    _context: Any = None

    def _create_ssl_context(self, srtp_profiles: Any) -> Any:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            self._context.set_cipher_list(
                b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305"
            )
        return self._context

    @property
    def sha256(self) -> str:
        """The fingerprint as an answer names it."""
        return next(
            str(f.value) for f in self.getFingerprints() if f.algorithm == "sha-256"
        )


class Owner(Protocol):
    """Who has a peer."""

    def connected(self) -> None:
        """DTLS is done, SRTP keys are there."""

    def rtp(self, data: bytes, now: float) -> None:
        """A plain RTP packet came."""

    def rtcp(self, packets: list[Any], now: float) -> None:
        """A compound of aiortc's Rtcp* packets came; unknown kinds are left out."""

    def lost(self, reason: str) -> None:
        """The peer is gone: "dtls" (closed or failed) or "consent"."""


class Peer:
    """Holds its place in the mux from the answer to `close`.

    `may_shake(address)` lets a handshake begin; refused, the next check asks again.
    """

    def __init__(
        self,
        mux: UdpMux,
        certificate: Certificate,
        offer: Offer,
        owner: Owner,
        may_shake: Callable[[str], bool],
    ) -> None:
        self.connected = False
        self.closed = False
        self.address: str | None = None  # whose handshake this is
        self.path: Path
        self.sending: Any = None  # libsrtp's session, for Fanout
        self._mux = mux
        self._owner = owner
        self._may_shake = may_shake
        self._checked_at = time.monotonic()
        role = "client" if offer.setup == "passive" else "server"
        self._transport = LiteTransport(role == "client")
        self._dtls = RTCDtlsTransport(cast(Any, self._transport), [certificate])
        self._dtls._set_role(role)
        self._dtls.on("statechange", self._state_changed)
        self._remote = RTCDtlsParameters(
            fingerprints=[RTCDtlsFingerprint(a, v) for a, v in offer.fingerprints]
        )
        self._handshake: asyncio.Task[None] | None = None
        self._goodbye: asyncio.Task[None] | None = None
        self._rtcp_second = (0, 0)
        self.ufrag, self.pwd = mux.expect(self)
        self._ufrags = [self.ufrag]

    def checked(self, path: Path, ufrag: str, nominated: bool) -> None:
        """A check passed: the first begins the handshake, a nomination moves us."""
        self._checked_at = time.monotonic()
        if self.closed:
            return
        if self._handshake is None:
            if not self._may_shake(path.remote[0]):
                return
            self.address = path.remote[0]
            self._use(path)
            self._handshake = asyncio.create_task(self._shake())
        elif nominated or path.remote == self.path.remote:
            self._use(path)
        if nominated and ufrag == self.ufrag:
            self.settle()

    def _use(self, path: Path) -> None:
        self.path = path
        self._transport.follow(path)

    def restart(self) -> None:
        """New ICE credentials (RFC 9725 §4.3.2); the old ones go on working until a
        check nominates under the new, or `settle` is called. Those before are over."""
        self.settle()
        self.ufrag, self.pwd = self._mux.expect(self)
        self._ufrags.append(self.ufrag)

    def settle(self) -> None:
        """Only the newest credentials hold from now on."""
        for ufrag in self._ufrags[:-1]:
            self._mux.expire(ufrag)
        del self._ufrags[:-1]

    async def _shake(self) -> None:
        try:
            await self._dtls.start(self._remote)
        except Exception as error:  # whatever a stranger's bytes did to OpenSSL
            _log.info("a DTLS handshake broke: %r", error)
            self._lost("dtls")

    def _state_changed(self) -> None:
        if self.closed:  # a handshake that ended as we left: nobody joins any more
            return
        if self._dtls.state == "connected":
            self.sending = self._dtls._tx_srtp._srtp[0]
            self.connected = True
            self._owner.connected()
        elif self._dtls.state in ("closed", "failed"):
            self._lost("dtls")

    def _lost(self, reason: str) -> None:
        if not self.closed:
            self._owner.lost(reason)

    def receive_dtls(self, data: bytes) -> None:
        if self._handshake is not None:
            self._transport.receive(data)

    def receive_srtp(self, data: bytes) -> None:
        """Unprotect and hand on; what fails to authenticate or parse is dropped."""
        if not self.connected or len(data) < 8:
            return
        now = time.monotonic()
        try:
            if 192 <= data[1] < 224:
                if self._rtcp_allowed(now):
                    plain = self._dtls._rx_srtp.unprotect_rtcp(data)
                    self._owner.rtcp(RtcpPacket.parse(plain), now)
            else:
                self._owner.rtp(self._dtls._rx_srtp.unprotect(data), now)
        except (pylibsrtp.Error, ValueError, IndexError, struct.error):
            self._mux.dropped += 1

    def _rtcp_allowed(self, now: float) -> bool:
        second, count = self._rtcp_second
        count = count + 1 if second == int(now) else 1
        self._rtcp_second = (int(now), count)
        return count <= _RTCP_A_SECOND

    def send_rtcp(self, data: bytes) -> None:
        """Protect and send a compound packet."""
        if self.connected and not self.closed:
            self.path.send(self._dtls._tx_srtp.protect_rtcp(data))

    def tick(self, now: float) -> None:
        """Watch consent; called at least each second."""
        if now - self._checked_at > _CONSENT_S:
            self._lost("consent")

    def close(self) -> None:
        """Say close_notify and leave the mux; once is enough."""
        if not self.closed:
            self.closed = True
            self._goodbye = asyncio.create_task(self._leave())

    async def _leave(self) -> None:
        await self._dtls.stop()
        self._transport.close()
        self._mux.forget(self, self._ufrags)
        if self._handshake is not None:
            await self._handshake

    async def gone(self) -> None:
        """Wait until `close` has been carried out."""
        if self._goodbye is not None:
            await self._goodbye
