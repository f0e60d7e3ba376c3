"""What comes from one publisher, counted, and what it is told about it.

Repeats and retransmissions are sorted out here; NACKs, congestion feedback, keyframe
requests and receiver reports go back. Neighbours: feedback.py holds the rules,
publisher.py the session.
"""

import asyncio
import secrets
import struct
import time
from collections.abc import Callable
from typing import NamedTuple

from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtp import (
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSourceInfo,
    RtcpSrPacket,
    pack_remb_fci,
)

from streams.media.answers import ABS_SEND_TIME, TRANSPORT_CC, congestion
from streams.media.feedback import NackList, Reception, TwccRecorder, nack
from streams.media.rtp import AUDIO_CLOCK, VIDEO_CLOCK, Packet, parse, unwrap
from streams.media.sdp import Codec, Kind, Offer

_TWCC_S = 0.1


class Received(NamedTuple):
    """A packet that is new: its kind and extended number."""

    kind: Kind
    number: int
    packet: Packet


class Receiver:
    """`send` takes RTCP; `want_keyframe(now)` is called when a loss was given up."""

    def __init__(
        self,
        offer: Offer,
        codecs: dict[Kind, Codec],
        max_kbps: int,
        send: Callable[[bytes], None],
        want_keyframe: Callable[[float], None],
    ) -> None:
        self.codecs = codecs
        self.nacks = NackList()
        self.plis = 0
        self.reception: dict[Kind, Reception] = {
            "video": Reception(VIDEO_CLOCK),
            "audio": Reception(AUDIO_CLOCK),
        }
        self._send = send
        self._want_keyframe = want_keyframe
        self._max_bps = max_kbps * 1000
        self._ssrc = secrets.randbits(31) or 1  # ours, in feedback
        self._ssrcs: dict[Kind, int] = {}
        self._reports: dict[Kind, tuple[int, float]] = {}  # middle of NTP, arrival
        self._kinds: dict[int, tuple[Kind, int | None]] = {}
        for kind, codec in codecs.items():
            self._kinds[codec.payload_type] = (kind, None)
            if codec.rtx is not None:
                self._kinds[codec.rtx] = (kind, codec.payload_type)
        self._twcc: TwccRecorder | None = None
        self._estimator: RemoteBitrateEstimator | None = None
        self._congestion_id = 0
        self._choose_congestion(offer)
        self._nack_timer: asyncio.TimerHandle | None = None
        self._twcc_timer: asyncio.TimerHandle | None = None

    def _choose_congestion(self, offer: Offer) -> None:
        for media in offer.media:
            kind = congestion(media, self.codecs[media.kind])[:1]
            if kind == ["transport-cc"]:
                self._twcc, self._estimator = TwccRecorder(), None
                self._congestion_id = media.extensions[TRANSPORT_CC]
                return
            if kind == ["goog-remb"] and ABS_SEND_TIME in media.extensions:
                self._estimator = RemoteBitrateEstimator()
                self._congestion_id = media.extensions[ABS_SEND_TIME]

    def receive(self, data: bytes, now: float) -> Received | None:
        """Read a packet; None if it is a repeat, a probe or of no known type.

        Raises ValueError if it is no RTP.
        """
        packet = parse(data)
        self._note_congestion(packet, len(data), now)
        kind, original = self._kinds.get(packet.payload_type, (None, None))
        if kind is None:
            return None
        if original is None:
            self._ssrcs[kind] = packet.ssrc
        elif (unwrapped := unwrap(packet, original)) is not None:
            packet = unwrapped
        else:
            return None
        reception = self.reception[kind]
        number = reception.extend(packet.seq)
        if not reception.add(number, packet.ts, now):
            return None
        if kind == "video":
            self._note_gap(number, now)
        return Received(kind, number, packet)

    def _note_gap(self, number: int, now: float) -> None:
        if not self.nacks.add(number, now):
            self._want_keyframe(now)
        if self.nacks and self._nack_timer is None:
            self._schedule_nack()

    def _schedule_nack(self) -> None:
        loop, at = asyncio.get_running_loop(), self.nacks.next_at()
        delay = max(0.001, at - time.monotonic())
        self._nack_timer = loop.call_later(delay, self._ask_again)

    def _ask_again(self) -> None:
        self._nack_timer = None
        now = time.monotonic()
        numbers, given_up = self.nacks.due(now)
        if numbers and "nack" in self.codecs["video"].feedback:
            self._send(nack(self._ssrc, self._ssrcs.get("video", 0), numbers))
        if given_up:
            self._want_keyframe(now)
        if self.nacks:
            self._schedule_nack()

    def _note_congestion(self, packet: Packet, size: int, now: float) -> None:
        value = packet.extension.get(self._congestion_id, b"")
        if self._twcc is not None and len(value) == 2:
            if self._twcc.add(int.from_bytes(value, "big"), now):
                self._tell_arrivals()
            elif self._twcc_timer is None:
                loop = asyncio.get_running_loop()
                self._twcc_timer = loop.call_later(_TWCC_S, self._tell_arrivals)
        elif self._estimator is not None and len(value) == 3:
            sent = int.from_bytes(value, "big")
            told = self._estimator.add(int(now * 1000), sent, size, packet.ssrc)
            if told is not None:
                fci = pack_remb_fci(min(told[0], self._max_bps), told[1])
                remb = RtcpPsfbPacket(fmt=15, ssrc=self._ssrc, media_ssrc=0, fci=fci)
                self._send(bytes(remb))

    def _tell_arrivals(self) -> None:
        if self._twcc_timer is not None:
            self._twcc_timer.cancel()
            self._twcc_timer = None
        media = self._ssrcs.get("video") or self._ssrcs.get("audio", 0)
        told = self._twcc.feedback(self._ssrc, media) if self._twcc else None
        if told is not None:
            self._send(told)

    def note_report(self, packet: RtcpSrPacket, now: float) -> Kind | None:
        """Note a sender report; the kind that it is about."""
        for kind, ssrc in self._ssrcs.items():
            if ssrc == packet.ssrc:
                ntp = packet.sender_info.ntp_timestamp
                self._reports[kind] = (ntp >> 16 & 0xFFFFFFFF, now)
                return kind
        return None

    def request_keyframe(self) -> bool:
        """Ask for one, the way the publisher understands; False if there is none."""
        ssrc = self._ssrcs.get("video")
        feedback = self.codecs["video"].feedback if "video" in self.codecs else ()
        if ssrc is None:
            return False
        if "nack pli" in feedback:
            asked = RtcpPsfbPacket(fmt=1, ssrc=self._ssrc, media_ssrc=ssrc)
        elif "ccm fir" in feedback:
            fci = struct.pack("!IBxxx", ssrc, self.plis & 255)
            asked = RtcpPsfbPacket(fmt=4, ssrc=self._ssrc, media_ssrc=0, fci=fci)
        else:
            return False
        self.plis += 1
        self._send(bytes(asked))
        return True

    def report(self, cname: str, now: float) -> None:
        """A receiver report and our name (RFC 3550 §6.4.2); called each second."""
        if not self._ssrcs:
            return
        blocks = []
        for kind, ssrc in self._ssrcs.items():
            lsr, at = self._reports.get(kind, (0, now))
            delay = int((now - at) * 65_536) & 0xFFFFFFFF if lsr else 0
            blocks.append(self.reception[kind].report(ssrc, lsr, delay))
        name = [RtcpSourceInfo(self._ssrc, [(1, cname.encode())])]
        self._send(
            bytes(RtcpRrPacket(self._ssrc, blocks)) + bytes(RtcpSdesPacket(name))
        )

    def close(self) -> None:
        """Nothing is told any more."""
        for timer in (self._nack_timer, self._twcc_timer):
            if timer is not None:
                timer.cancel()
