"""RTP packets read and headers written (RFC 3550, RFC 8285, RFC 4588).

What a publisher sends loses its CSRCs, extensions and padding here; only the extensions
that congestion control needs are read. Pure. Neighbours: publisher.py reads, track.py
and fanout.py write.
"""

import struct

VIDEO_CLOCK, AUDIO_CLOCK = 90_000, 48_000

_FIXED = struct.Struct("!BBHII")


class Packet:
    """One RTP packet as it came; `payload` is without padding.

    `extension` holds the values of header extensions by their id.
    """

    __slots__ = ("extension", "marker", "payload", "payload_type", "seq", "ssrc", "ts")

    def __init__(
        self,
        payload_type: int,
        marker: int,
        seq: int,
        ts: int,
        ssrc: int,
        payload: bytes,
    ) -> None:
        self.payload_type = payload_type
        self.marker = marker
        self.seq = seq
        self.ts = ts
        self.ssrc = ssrc
        self.payload = payload
        self.extension: dict[int, bytes] = {}


def parse(data: bytes) -> Packet:
    """Read one packet. Raises ValueError if it is not one, or cut short."""
    if len(data) < 12:
        raise ValueError("shorter than a header")
    first, second, seq, ts, ssrc = _FIXED.unpack_from(data)
    if first >> 6 != 2:
        raise ValueError("not version 2")
    start, end = 12 + 4 * (first & 15), len(data)
    extension: dict[int, bytes] = {}
    if first & 16:
        if end < start + 4:
            raise ValueError("extension cut short")
        profile, words = struct.unpack_from("!HH", data, start)
        start += 4 + 4 * words
        if start <= end:
            extension = _extensions(profile, data[start - 4 * words : start])
    if first & 32:
        if not 0 < data[-1] <= end - start:
            raise ValueError("padding longer than the packet")
        end -= data[-1]
    if start > end:
        raise ValueError("cut short")
    packet = Packet(second & 127, second >> 7, seq, ts, ssrc, data[start:end])
    packet.extension = extension
    return packet


def _extensions(profile: int, data: bytes) -> dict[int, bytes]:
    one_byte = profile == 0xBEDE
    if not one_byte and profile & 0xFFF0 != 0x1000:
        return {}
    found, at = {}, 0
    while at + 1 < len(data):
        if data[at] == 0:  # padding
            at += 1
            continue
        if one_byte:
            name, size, at = data[at] >> 4, (data[at] & 15) + 1, at + 1
            if name == 15:  # RFC 8285 §4.2: stop here
                break
        else:
            name, size, at = data[at], data[at + 1], at + 2
        if at + size > len(data):
            raise ValueError("extension cut short")
        found[name] = data[at : at + size]
        at += size
    return found


def unwrap(packet: Packet, payload_type: int) -> Packet | None:
    """The original of a retransmission (RFC 4588); None if it only probes."""
    if len(packet.payload) < 2:
        return None
    (seq,) = struct.unpack_from("!H", packet.payload)
    return Packet(
        payload_type, packet.marker, seq, packet.ts, packet.ssrc, packet.payload[2:]
    )


def header(payload_type: int, marker: int, seq: int, ts: int, ssrc: int) -> bytes:
    """Twelve bytes; `seq` and `ts` may be extended, what is sent is their low part."""
    return _FIXED.pack(
        0x80, marker << 7 | payload_type, seq & 0xFFFF, ts & 0xFFFFFFFF, ssrc
    )


def ahead(value: int, of: int, bits: int = 16) -> int:
    """How far `value` is ahead of `of` on a circle of 2^bits; negative: behind."""
    half = 1 << (bits - 1)
    return ((value - of + half) & ((1 << bits) - 1)) - half
