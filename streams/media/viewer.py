"""One viewer's session: a peer that receives, and what is sent to it alone.

Live packets come by the relay's fan-out. Here are the burst from the last keyframe that
lets a newcomer see at once, and retransmissions. Neighbours: relay.py, engine.py.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

from aiortc.rtp import RtcpPsfbPacket, RtcpRtpfbPacket

from streams.media.contract import SessionState, SessionView
from streams.media.peer import Peer
from streams.media.relay import Relay
from streams.media.rtp import header
from streams.media.sdp import Codec, Kind
from streams.media.track import Sent, Track

_BURST_BYTES, _BURST_EVERY = 12_500, 0.010  # 10 Mbit/s
_AGAIN_S = 0.020
_RESEND_SHARE = 0.25
_MAX_ASKED = 512


class Viewer:
    """`peer` is set by the engine right after; `ended(session, reason)` closes it."""

    peer: Peer

    def __init__(
        self,
        session: str,
        user: int | None,
        relay: Relay,
        codecs: dict[Kind, Codec],
        ended: Callable[[str, str], object],
    ) -> None:
        self.session = session
        self.user = user
        self.relay = relay
        self.codecs = codecs
        self.resent = 0
        self.refused = 0  # retransmissions beyond the share
        self._ended = ended
        self._rtx_seq = secrets.randbits(15)
        self._hurried: dict[int, int] = {}  # timestamps of the burst
        self._resent_at: dict[int, float] = {}
        self._allowance = 0.0
        self._allowance_at = 0.0
        self._bursting: asyncio.TimerHandle | None = None

    def connected(self) -> None:
        self.relay.join(self)

    def rtp(self, data: bytes, now: float) -> None:
        """A viewer sends no media."""

    def rtcp(self, packets: list[Any], now: float) -> None:
        for packet in packets:
            if isinstance(packet, RtcpPsfbPacket) and packet.fmt in (1, 4):
                self.relay.want_keyframe(now)
            elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == 1:
                self._resend(packet.media_ssrc, packet.lost, now)

    def lost(self, reason: str) -> None:
        self._ended(self.session, reason)

    def tick(self, now: float) -> None:
        """Watch consent; called twice a second."""
        self.peer.tick(now)

    def view(self) -> SessionView:
        """This session, for the comparison with SQL."""
        state: SessionState = "active" if self.peer.connected else "connecting"
        return SessionView(
            self.session, "viewer", self.relay.stream, state, user=self.user
        )

    def close(self) -> None:
        """Leave the relay and say goodbye."""
        if self._bursting is not None:
            self._bursting.cancel()
        self.relay.leave(self)
        self.peer.close()

    def burst(self, track: Track, start: int) -> None:
        """Send the ring from `start` until it meets the head, then join the group.

        Its frames are dated 1 ms apart, ending at the live one: the picture hurries and
        does not stay behind.
        """
        stamps = dict.fromkeys(
            sent.ts
            for number in range(start, track.head + 1)
            if (sent := track.get(number)) is not None
        )
        last = len(stamps) - 1
        live = next(reversed(stamps))
        self._hurried = {
            ts: (live - (last - n) * track.clock // 1000) & 0xFFFFFFFF
            for n, ts in enumerate(stamps)
        }
        self._continue(track, start)

    def _continue(self, track: Track, number: int) -> None:
        self._bursting = None
        budget = _BURST_BYTES
        while number <= track.head and budget > 0:
            sent = track.get(number)
            if sent is not None:
                self._send(track, sent)
                budget -= len(sent.payload)
            number += 1
        if number > track.head:
            self.relay.watch(self, "video")
            return
        loop = asyncio.get_running_loop()
        self._bursting = loop.call_later(_BURST_EVERY, self._continue, track, number)

    def _send(self, track: Track, sent: Sent) -> None:
        ts = self._hurried.get(sent.ts, sent.ts)
        pt = self.codecs[track.kind].payload_type
        head = header(pt, sent.marker, sent.number, ts, track.ssrc)
        self.relay.fanout.send(head + sent.payload, (self.peer,))

    def _resend(self, ssrc: int, numbers: list[int], now: float) -> None:
        track = next((t for t in self.relay.tracks.values() if t.ssrc == ssrc), None)
        if track is None or not self.peer.connected:
            return
        self._refill(now)
        for seq in numbers[:_MAX_ASKED]:
            sent = track.find(seq & 0xFFFF)
            if sent is None or now - self._resent_at.get(sent.number, -1.0) < _AGAIN_S:
                continue
            if self._allowance < len(sent.payload):
                self.refused += 1
                continue
            self._allowance -= len(sent.payload)
            self._resent_at[sent.number] = now
            self.resent += 1
            self._send_again(track, sent)
        while len(self._resent_at) > _MAX_ASKED:
            del self._resent_at[next(iter(self._resent_at))]

    def _send_again(self, track: Track, sent: Sent) -> None:
        codec = self.codecs[track.kind]
        if codec.rtx is None:
            self._send(track, sent)
            return
        self._rtx_seq += 1
        ts = self._hurried.get(sent.ts, sent.ts)
        head = header(codec.rtx, sent.marker, self._rtx_seq, ts, track.rtx_ssrc)
        original = (sent.number & 0xFFFF).to_bytes(2, "big")
        self.relay.fanout.send(head + original + sent.payload, (self.peer,))

    def _refill(self, now: float) -> None:
        """A quarter of the stream's bitrate, saved for two seconds at most."""
        rate = max(self.relay.bytes_a_second * _RESEND_SHARE, 16_000.0)
        since = min(2.0, now - self._allowance_at)
        self._allowance = min(2 * rate, self._allowance + rate * since)
        self._allowance_at = now
