"""One track as viewers see it: a single SSRC, numbering and clock, whoever publishes.

Headers are rewritten once per stream; all viewers share them. The ring keeps what may
be asked for again, and where the last keyframe begins. Neighbour: relay.py.
"""

import secrets
from typing import NamedTuple

from aiortc.rtp import RtcpSenderInfo, RtcpSrPacket

from streams.media import pictures
from streams.media.rtp import AUDIO_CLOCK, VIDEO_CLOCK, Packet, ahead
from streams.media.sdp import Codec, Kind

_RING = {"video": 2_048, "audio": 256}


class Sent(NamedTuple):
    """A packet in the viewers' numbering; `number` is extended, `ts` has 32 bits."""

    number: int
    marker: int
    ts: int
    payload: bytes


class Track:
    """`begin` for each new source, `place` for each packet of it."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.codec: Codec | None = None  # None: never published
        self.clock = VIDEO_CLOCK if kind == "video" else AUDIO_CLOCK
        self.ssrc = secrets.randbits(31) or 1
        self.rtx_ssrc = secrets.randbits(31) or 2
        self.head = secrets.randbelow(0x4000) + 0x10000
        self.keyframe: int | None = None  # where the last one begins
        self.keyframe_at: float | None = None
        self.keyframe_s: float | None = None
        self.size: tuple[int, int] | None = None
        self.frames = 0
        self._ring: list[Sent | None] = [None] * _RING[kind]
        self._floor = self.head + 1  # nothing before belongs to this source
        self._shift: tuple[int, int] | None = None
        self._ts, self._at = secrets.randbits(32), 0.0
        self._frame: tuple[int, int] = (-1, 0)  # its timestamp, its first number
        self._keyframe_ts: int | None = None
        self._counted = (0, 0)
        self._report: tuple[int, int, float] | None = None  # ntp, ts, at

    def begin(self, codec: Codec) -> None:
        """The next packet is the first of another source."""
        if self.codec is not None and self.codec.name != codec.name:
            self.keyframe = None
        self.codec = codec
        self._floor = self.head + 1
        self._shift = None
        self._report = None

    def place(self, number: int, packet: Packet, now: float) -> Sent | None:
        """Number and date a packet for viewers; None if it is older than its source.

        The first one follows what was sent last by one, and by the wall-clock gap.
        """
        if self._shift is None:
            gap = max(self.clock // 1000, int((now - self._at) * self.clock))
            gap = gap if self._at else 0
            self._shift = (self._floor - number, self._ts + gap - packet.ts)
        number += self._shift[0]
        if number < self._floor or number <= self.head - len(self._ring):
            return None
        ts = (packet.ts + self._shift[1]) & 0xFFFFFFFF
        sent = Sent(number, packet.marker, ts, packet.payload)
        self._ring[number % len(self._ring)] = sent
        if number > self.head:
            self.head, self._ts, self._at = number, ts, now
        self._counted = (self._counted[0] + 1, self._counted[1] + len(sent.payload))
        if self.kind == "video" and self.codec is not None:
            self._note_picture(self.codec.name, sent, now)
        return sent

    def _note_picture(self, codec: str, sent: Sent, now: float) -> None:
        if sent.ts != self._frame[0] and sent.number == self.head:
            self._frame = (sent.ts, sent.number)
            self.frames += 1
        if not pictures.is_keyframe(codec, sent.payload):
            return
        self.size = pictures.size(codec, sent.payload) or self.size
        if sent.ts == self._keyframe_ts:
            return
        self._keyframe_ts = sent.ts
        same = sent.ts == self._frame[0]
        self.keyframe = self._frame[1] if same else sent.number
        if self.keyframe_at is not None:
            self.keyframe_s = now - self.keyframe_at
        self.keyframe_at = now

    def get(self, number: int) -> Sent | None:
        """A packet still in the ring."""
        sent = self._ring[number % len(self._ring)]
        return sent if sent is not None and sent.number == number else None

    def find(self, seq: int) -> Sent | None:
        """A packet still in the ring, by its 16-bit number."""
        return self.get(self.head + ahead(seq, self.head & 0xFFFF))

    def picture(self) -> int | None:
        """Where a newcomer may begin; None if the last keyframe left the ring."""
        if self.keyframe is None or self.get(self.keyframe) is None:
            return None
        return self.keyframe

    def note_report(self, ntp: int, ts: int, now: float) -> None:
        """The source's sender report: its wall clock, its timestamp."""
        if self._shift is not None:
            self._report = (ntp, (ts + self._shift[1]) & 0xFFFFFFFF, now)

    def sender_report(self, wall: float, now: float) -> RtcpSrPacket | None:
        """A report for viewers as of `now`: by the source's clock if it told it, else
        by arrival (`wall` is Unix time)."""
        if not self._at:
            return None
        ntp, ts, at = self._report or (
            _ntp(wall - (now - self._at)),
            self._ts,
            self._at,
        )
        elapsed = now - at
        return RtcpSrPacket(
            ssrc=self.ssrc,
            sender_info=RtcpSenderInfo(
                ntp_timestamp=(ntp + int(elapsed * (1 << 32))) & (1 << 64) - 1,
                rtp_timestamp=(ts + int(elapsed * self.clock)) & 0xFFFFFFFF,
                packet_count=self._counted[0] & 0xFFFFFFFF,
                octet_count=self._counted[1] & 0xFFFFFFFF,
            ),
        )


def _ntp(wall: float) -> int:
    return int((wall + 2_208_988_800) * (1 << 32))
