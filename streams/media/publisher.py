"""One publishing session: what comes in, what is asked of who sends, and its states.

connecting → active (first keyframe, or first Opus packet without video) ⇄ silent (no
RTP for 2 s) → closed. Neighbours: peer.py below, relay.py, and engine.py above.
"""

import asyncio
import secrets
import struct
import time
from collections.abc import Callable
from typing import Any

from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtp import (
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSourceInfo,
    RtcpSrPacket,
    pack_remb_fci,
)

from streams.media import pictures
from streams.media.answers import ABS_SEND_TIME, TRANSPORT_CC, congestion
from streams.media.contract import Facts, SessionState, SessionView, StreamStats
from streams.media.feedback import NackList, Reception, TwccRecorder, nack
from streams.media.meter import Meter
from streams.media.peer import Peer
from streams.media.relay import Relay
from streams.media.rtp import AUDIO_CLOCK, VIDEO_CLOCK, Packet, parse, unwrap
from streams.media.sdp import Codec, Kind, Offer

_SILENT_S, _SILENT_CLOSED_S, _CONNECTING_S = 2.0, 30.0, 10.0
_PLI_AT = (0.0, 1.0, 3.0)  # after connecting, until a picture shows
_TWCC_S = 0.1


class Publisher:
    """`peer` is set by the engine right after; `ended(ingest, reason)` closes it."""

    peer: Peer

    def __init__(
        self,
        ingest: str,
        generation: int,
        relay: Relay,
        offer: Offer,
        codecs: dict[Kind, Codec],
        max_kbps: int,
        facts: Facts,
        ended: Callable[[str, str], object],
    ) -> None:
        self.ingest = ingest
        self.generation = generation
        self.relay = relay
        self.codecs = codecs
        self.state: SessionState = "connecting"
        self.nacks = NackList()
        self.plis = 0
        self.reception: dict[Kind, Reception] = {
            "video": Reception(VIDEO_CLOCK),
            "audio": Reception(AUDIO_CLOCK),
        }
        self.meter = Meter(max_kbps)
        self._facts = facts
        self._ended = ended
        self._opened_at = self._rtp_at = time.monotonic()
        self._connected_at = 0.0
        self._plis_due = list(_PLI_AT)
        self._ssrc = secrets.randbits(31) or 1  # ours, in feedback
        self._ssrcs: dict[Kind, int] = {}
        self._reports: dict[Kind, tuple[int, float]] = {}  # middle of NTP, arrival
        self._kinds: dict[int, tuple[Kind, int | None]] = {}
        for kind, codec in codecs.items():
            self._kinds[codec.payload_type] = (kind, None)
            if codec.rtx is not None:
                self._kinds[codec.rtx] = (kind, codec.payload_type)
        self._max_bps = max_kbps * 1000
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
                self._twcc = TwccRecorder()
                self._congestion_id = media.extensions[TRANSPORT_CC]
            elif kind == ["goog-remb"] and ABS_SEND_TIME in media.extensions:
                self._estimator = RemoteBitrateEstimator()
                self._congestion_id = media.extensions[ABS_SEND_TIME]
        if self._twcc is not None:
            self._estimator = None

    def connected(self) -> None:
        self._connected_at = time.monotonic()
        self._ask_first(self._connected_at)

    def rtp(self, data: bytes, now: float) -> None:
        """Count, unwrap, drop repeats, ask for what is missing, forward."""
        if not self.meter.allow(len(data), now):
            return
        packet = parse(data)
        self._note_congestion(packet, len(data), now)
        known = self._kinds.get(packet.payload_type)
        if known is None:
            return
        kind, original = known
        if original is not None:
            unwrapped = unwrap(packet, original)
            if unwrapped is None:
                return
            packet = unwrapped
        else:
            self._ssrcs[kind] = packet.ssrc
        reception = self.reception[kind]
        number = reception.extend(packet.seq)
        if not reception.add(number, packet.ts, now):
            return
        if kind == "video":
            self._note_gap(number, now)
        self._came(kind, packet, now)
        if self.relay.source is self:
            self.relay.forward(kind, number, packet, now)

    def _came(self, kind: Kind, packet: Packet, now: float) -> None:
        """Whether this packet changes the state."""
        self._rtp_at = now
        if self.state == "active":
            return
        if "video" in self.codecs and not (
            kind == "video"
            and pictures.is_keyframe(self.codecs["video"].name, packet.payload)
        ):
            if self.state == "silent":
                self.relay.want_keyframe(now)
            return
        resumed, self.state = self.state == "silent", "active"
        if resumed:
            self._facts.ingest_resumed(self.ingest)
        elif self.generation > self.relay.generation:
            names = {kind: codec.name for kind, codec in self.codecs.items()}
            self._facts.ingest_started(
                self.ingest, self.generation, names.get("video"), names.get("audio")
            )
            self.relay.take_over(self, self.codecs)
        else:
            self.lost("superseded")

    def _note_gap(self, number: int, now: float) -> None:
        if not self.nacks.add(number, now):
            self.relay.want_keyframe(now)
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
        feedback = self.codecs["video"].feedback
        if numbers and "nack" in feedback:
            self.peer.send_rtcp(nack(self._ssrc, self._ssrcs.get("video", 0), numbers))
        if given_up:
            self.relay.want_keyframe(now)
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
                self.peer.send_rtcp(bytes(remb))

    def _tell_arrivals(self) -> None:
        if self._twcc_timer is not None:
            self._twcc_timer.cancel()
            self._twcc_timer = None
        media = self._ssrcs.get("video") or self._ssrcs.get("audio", 0)
        told = self._twcc.feedback(self._ssrc, media) if self._twcc else None
        if told is not None:
            self.peer.send_rtcp(told)

    def rtcp(self, packets: list[Any], now: float) -> None:
        for packet in packets:
            if not isinstance(packet, RtcpSrPacket):
                continue
            for kind, ssrc in self._ssrcs.items():
                if ssrc == packet.ssrc:
                    ntp = packet.sender_info.ntp_timestamp
                    self._reports[kind] = (ntp >> 16 & 0xFFFFFFFF, now)
                    if self.relay.source is self:
                        track = self.relay.tracks[kind]
                        track.note_report(ntp, packet.sender_info.rtp_timestamp, now)

    def request_keyframe(self) -> None:
        ssrc = self._ssrcs.get("video")
        if ssrc is None or "video" not in self.codecs:
            return
        feedback = self.codecs["video"].feedback
        if "nack pli" in feedback:
            self.plis += 1
            pli = RtcpPsfbPacket(fmt=1, ssrc=self._ssrc, media_ssrc=ssrc)
            self.peer.send_rtcp(bytes(pli))
        elif "ccm fir" in feedback:
            self.plis += 1
            fci = struct.pack("!IBxxx", ssrc, self.plis & 255)
            fir = RtcpPsfbPacket(fmt=4, ssrc=self._ssrc, media_ssrc=0, fci=fci)
            self.peer.send_rtcp(bytes(fir))

    def _ask_first(self, now: float) -> None:
        if self._plis_due and now - self._connected_at >= self._plis_due[0]:
            self._plis_due.pop(0)
            self.request_keyframe()

    def tick(self, now: float) -> None:
        """States that time changes, and reports; called twice a second."""
        self.peer.tick(now)
        self.meter.tick(now, self.reception, self.relay)
        if self.relay.source is self:
            self.relay.bytes_a_second = self.meter.kbps * 125
        if self.state == "closed":
            return
        if self.state == "connecting":
            if self.peer.connected:
                self._ask_first(now)
            if now - self._opened_at > _CONNECTING_S:
                self.lost("connecting")
                return
        elif now - self._rtp_at > _SILENT_CLOSED_S:
            self.lost("silent")
        elif now - self._rtp_at > _SILENT_S and self.state == "active":
            self.state = "silent"
            self._facts.ingest_silent(self.ingest)
        elif self.meter.flooded:
            self.lost("flood")
        self._report(now)

    def _report(self, now: float) -> None:
        """A receiver report and our name, each second (RFC 3550 §6.4.2)."""
        if int(now * 2) & 1 or not self._ssrcs:
            return
        blocks = []
        for kind, ssrc in self._ssrcs.items():
            lsr, at = self._reports.get(kind, (0, now))
            delay = int((now - at) * 65_536) & 0xFFFFFFFF if lsr else 0
            blocks.append(self.reception[kind].report(ssrc, lsr, delay))
        name = [RtcpSourceInfo(self._ssrc, [(1, self.relay.cname.encode())])]
        report = bytes(RtcpRrPacket(self._ssrc, blocks)) + bytes(RtcpSdesPacket(name))
        self.peer.send_rtcp(report)

    def lost(self, reason: str) -> None:
        self._ended(self.ingest, reason)

    def superseded(self) -> None:
        self.lost("superseded")

    def close(self) -> None:
        """Leave the air and say goodbye."""
        self.state = "closed"
        self.relay.retire(self)
        for timer in (self._nack_timer, self._twcc_timer):
            if timer is not None:
                timer.cancel()
        self.peer.close()

    def view(self) -> SessionView:
        """This session, for the comparison with SQL."""
        return SessionView(
            self.ingest, "ingest", self.relay.stream, self.state, self.generation
        )

    def stats(self) -> StreamStats:
        """How what is on air comes in."""
        track = self.relay.tracks["video"]
        names = {kind: codec.name for kind, codec in self.codecs.items()}
        width, height = track.size or (None, None)
        at, rtt = track.keyframe_at, self.nacks.rtt
        worst = max(r.jitter_ms for r in self.reception.values())
        return StreamStats(
            stream=self.relay.stream,
            ingest=self.ingest,
            generation=self.generation,
            video=names.get("video"),
            audio=names.get("audio"),
            kbps=self.meter.kbps,
            fps=self.meter.fps,
            width=width,
            height=height,
            keyframe_s=track.keyframe_s,
            key_age_s=None if at is None else round(time.monotonic() - at, 3),
            loss_pct=self.meter.loss_pct,
            jitter_ms=round(worst, 1),
            rtt_ms=None if rtt is None else round(rtt * 1000, 1),
            nacks=self.nacks.sent,
            plis=self.plis,
            viewers=self.relay.viewers,
        )
