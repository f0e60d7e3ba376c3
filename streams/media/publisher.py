"""One publishing session and its states.

connecting → active (first keyframe, or first Opus packet without video) ⇄ silent (no
RTP for 2 s) → closed. Neighbours: receiver.py for what comes, peer.py below, relay.py
for what is on air, engine.py above.
"""

import time
from collections.abc import Callable
from typing import Any

from aiortc.rtp import RtcpSrPacket

from streams.media import pictures
from streams.media.contract import Facts, SessionState, SessionView, StreamStats
from streams.media.meter import Meter
from streams.media.peer import Peer
from streams.media.receiver import Receiver
from streams.media.relay import Relay
from streams.media.rtp import Packet
from streams.media.sdp import Codec, Kind, Offer

_SILENT_S, _SILENT_CLOSED_S, _CONNECTING_S = 2.0, 30.0, 10.0
_PLI_AT = (0.0, 1.0, 3.0)  # after connecting, until a picture shows


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
        self.meter = Meter(max_kbps)
        self.receiver = Receiver(
            offer, codecs, max_kbps, self._send, relay.want_keyframe
        )
        self._facts = facts
        self._ended = ended
        self._opened_at = self._rtp_at = time.monotonic()
        self._connected_at = 0.0
        self._plis_due = list(_PLI_AT)

    def _send(self, rtcp: bytes) -> None:
        self.peer.send_rtcp(rtcp)

    def connected(self) -> None:
        self._connected_at = time.monotonic()

    def rtp(self, data: bytes, now: float) -> None:
        """Count it, see what it changes, forward it while on air."""
        if not self.meter.allow(len(data), now):
            return
        received = self.receiver.receive(data, now)
        if received is None:
            return
        kind, number, packet = received
        self._rtp_at = now
        if self.state != "active":
            self._came(kind, packet, now)
        if self.relay.source is self:
            self.relay.forward(kind, number, packet, now)

    def _came(self, kind: Kind, packet: Packet, now: float) -> None:
        """Whether this packet is the picture that was waited for."""
        video = self.codecs.get("video")
        shows = video is None or (
            kind == "video" and pictures.is_keyframe(video.name, packet.payload)
        )
        if not shows:
            if self.state == "silent":
                self.relay.want_keyframe(now)
        elif self.state == "silent":
            self.state = "active"
            self._facts.ingest_resumed(self.ingest)
        elif self.generation > self.relay.generation:
            self.state = "active"
            self._facts.ingest_started(self.ingest, self.generation, *self._names())
            self.relay.take_over(self, self.codecs)
        else:
            self.lost("superseded")

    def _names(self) -> tuple[str | None, str | None]:
        names = {kind: codec.name for kind, codec in self.codecs.items()}
        return names.get("video"), names.get("audio")

    def rtcp(self, packets: list[Any], now: float) -> None:
        for packet in packets:
            if not isinstance(packet, RtcpSrPacket):
                continue
            kind, told = self.receiver.note_report(packet, now), packet.sender_info
            if kind is not None and self.relay.source is self:
                track = self.relay.tracks[kind]
                track.note_report(told.ntp_timestamp, told.rtp_timestamp, now)

    def request_keyframe(self) -> None:
        self.receiver.request_keyframe()

    def tick(self, now: float) -> None:
        """States that time changes, and reports; called twice a second."""
        self.peer.tick(now)
        self.meter.tick(now, self.receiver.reception, self.relay)
        if self.relay.source is self:
            self.relay.bytes_a_second = self.meter.kbps * 125
        if self.state == "connecting":
            self._tick_connecting(now)
        elif now - self._rtp_at > _SILENT_CLOSED_S:
            self.lost("silent")
        elif now - self._rtp_at > _SILENT_S and self.state == "active":
            self.state = "silent"
            self._facts.ingest_silent(self.ingest)
        elif self.meter.flooded:
            self.lost("flood")
        if self.state != "closed" and int(now * 2) & 1:
            self.receiver.report(self.relay.cname, now)

    def _tick_connecting(self, now: float) -> None:
        if now - self._opened_at > _CONNECTING_S:
            self.lost("connecting")
        elif self.peer.connected and self._plis_due:
            due = now - self._connected_at >= self._plis_due[0]
            if due and self.receiver.request_keyframe():
                self._plis_due.pop(0)

    def lost(self, reason: str) -> None:
        self._ended(self.ingest, reason)

    def superseded(self) -> None:
        self.lost("superseded")

    def close(self) -> None:
        """Leave the air and say goodbye."""
        self.state = "closed"
        self.relay.retire(self)
        self.receiver.close()
        self.peer.close()

    def view(self) -> SessionView:
        """This session, for the comparison with SQL."""
        return SessionView(
            self.ingest, "ingest", self.relay.stream, self.state, self.generation
        )

    def stats(self) -> StreamStats:
        """How what is on air comes in."""
        track, receiver = self.relay.tracks["video"], self.receiver
        video, audio = self._names()
        width, height = track.size or (None, None)
        at, rtt = track.keyframe_at, receiver.nacks.rtt
        worst = max(r.jitter_ms for r in receiver.reception.values())
        return StreamStats(
            stream=self.relay.stream,
            ingest=self.ingest,
            generation=self.generation,
            video=video,
            audio=audio,
            kbps=self.meter.kbps,
            fps=self.meter.fps,
            width=width,
            height=height,
            keyframe_s=track.keyframe_s,
            key_age_s=None if at is None else round(time.monotonic() - at, 3),
            loss_pct=self.meter.loss_pct,
            jitter_ms=round(worst, 1),
            rtt_ms=None if rtt is None else round(rtt * 1000, 1),
            nacks=receiver.nacks.sent,
            plis=receiver.plis,
            viewers=self.relay.viewers,
        )
