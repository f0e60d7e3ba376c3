"""Where a picture begins, and how large it is, from RTP payloads of H264 and VP8.

RFC 6184 and RFC 7741. Nothing is decoded. Pure. Neighbour: track.py.
"""

import struct

_NAL_IDR, _NAL_SPS, _NAL_STAP_A, _NAL_FU_A = 5, 7, 24, 28


def is_keyframe(codec: str, payload: bytes) -> bool:
    """Whether this packet belongs to the beginning of a keyframe."""
    if codec == "VP8":
        frame = _vp8_first(payload)
        return frame is not None and bool(frame) and not frame[0] & 1
    return any(nal[0] & 31 in (_NAL_IDR, _NAL_SPS) for nal in _h264_units(payload))


def size(codec: str, payload: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, if this packet tells."""
    if codec == "VP8":
        frame = _vp8_first(payload)
        if frame is None or len(frame) < 10 or frame[0] & 1:
            return None
        width, height = struct.unpack_from("<HH", frame, 6)
        return width & 0x3FFF, height & 0x3FFF
    for nal in _h264_units(payload):
        if nal[0] & 31 == _NAL_SPS:
            try:
                return _sps_size(nal)
            except (IndexError, OverflowError):
                return None
    return None


def _vp8_first(payload: bytes) -> bytes | None:
    """The frame's beginning if this packet starts one (RFC 7741 §4.2)."""
    if not payload or payload[0] & 0x17 != 0x10:  # S set, partition 0
        return None
    at = 1
    if payload[0] & 0x80 and len(payload) > 1:
        flags, at = payload[1], 2
        if flags & 0x80:  # PictureID of one byte or two
            at += 2 if payload[2:3] > b"\x7f" else 1
        at += bool(flags & 0x40) + bool(flags & 0x30)
    return payload[at:] if at < len(payload) else None


def _h264_units(payload: bytes) -> list[bytes]:
    """The NAL units that begin in this packet, each with its header byte."""
    if not payload:
        return []
    kind = payload[0] & 31
    if kind == _NAL_FU_A:
        if len(payload) < 3 or not payload[1] & 0x80:
            return []
        return [bytes([payload[0] & 0xE0 | payload[1] & 31]) + payload[2:]]
    if kind != _NAL_STAP_A:
        return [payload] if 0 < kind < 24 else []
    units, at = [], 1
    while at + 2 < len(payload):
        (length,) = struct.unpack_from("!H", payload, at)
        if length == 0 or at + 2 + length > len(payload):
            break
        units.append(payload[at + 2 : at + 2 + length])
        at += 2 + length
    return units


class _Bits:
    """Reads an RBSP bit by bit; IndexError at its end (ITU-T H.264 §7.2)."""

    def __init__(self, data: bytes) -> None:
        self._data = data.replace(b"\x00\x00\x03", b"\x00\x00")
        self._at = 0

    def take(self, count: int) -> int:
        value = 0
        for _ in range(count):
            byte = self._data[self._at >> 3]
            value = value << 1 | byte >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise OverflowError
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        value = self.golomb()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def _sps_size(nal: bytes) -> tuple[int, int] | None:
    """ITU-T H.264 §7.3.2.1.1; None for more than 8192 pixels a side."""
    bits = _Bits(nal[1:200])
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()
    chroma = 1
    if profile in (100, 110, 122, 244, 44, 83, 86, 118, 128):
        chroma = bits.golomb()
        if chroma == 3:
            bits.take(1)
        bits.golomb()
        bits.golomb()
        bits.take(1)
        if bits.take(1):
            _skip_scaling(bits, 12 if chroma == 3 else 8)
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1)
        bits.golomb()
        bits.golomb()
        for _ in range(min(bits.golomb(), 255)):
            bits.golomb()
    bits.golomb()
    bits.take(1)
    width, height = 16 * (bits.golomb() + 1), 16 * (bits.golomb() + 1)
    frames_only = bits.take(1)
    if not frames_only:
        height *= 2
        bits.take(1)
    bits.take(1)
    if bits.take(1):
        left, right, top, bottom = (bits.golomb() for _ in range(4))
        across = 2 if chroma in (1, 2) else 1
        down = (2 if chroma == 1 else 1) * (2 - frames_only)
        width -= across * (left + right)
        height -= down * (top + bottom)
    return (width, height) if 0 < width <= 8192 and 0 < height <= 8192 else None


def _skip_scaling(bits: _Bits, lists: int) -> None:
    for n in range(lists):
        if not bits.take(1):
            continue
        last = following = 8
        for _ in range(16 if n < 6 else 64):
            if following:
                following = (last + bits.signed()) % 256
            last = following or last
