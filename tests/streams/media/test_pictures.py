"""Where a picture begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.media import pictures

HIGH = "6764001facd9405005ba10000003001000000303c0f1831960"  # of profile 100
VP8_KEY = bytes.fromhex("10d0 01 00 9d 01 2a 80 02 68 41".replace(" ", ""))


def stap(*units: bytes) -> bytes:
    return b"\x18" + b"".join(len(u).to_bytes(2, "big") + u for u in units)


@pytest.mark.parametrize(
    "payload, key",
    [
        (b"\x65rest", True),
        (b"\x67rest", True),
        (b"\x41rest", False),
        (b"\x06sei", False),
        (stap(b"\x67sps", b"\x68pps"), True),
        (stap(b"\x06sei", b"\x41slice"), False),
        (stap(b"\x06sei", b"\x65idr"), True),
        (b"\x7c\x85rest", True),  # FU-A, start, IDR
        (b"\x7c\x05rest", False),  # FU-A, middle
        (b"\x7c\x81rest", False),  # FU-A, start, P
        (b"", False),
    ],
)
def test_h264_keyframes_are_seen(payload: bytes, key: bool) -> None:
    assert pictures.is_keyframe("H264", payload) is key


@pytest.mark.parametrize(
    "payload, key",
    [
        (VP8_KEY, True),
        (b"\x10\x01\x00", False),  # P frame
        (b"\x00\x00", False),  # not the start
        (b"\x90\x80\x05" + VP8_KEY[1:], True),  # PictureID of 7 bits
        (b"\x90\x80\x85\x05" + VP8_KEY[1:], True),  # of 15 bits
        (b"\x90\xf0\x05\x01\x02" + VP8_KEY[1:], True),  # TL0PICIDX, TID
        (b"", False),
        (b"\x90", False),
    ],
)
def test_vp8_keyframes_are_seen(payload: bytes, key: bool) -> None:
    assert pictures.is_keyframe("VP8", payload) is key


@pytest.mark.parametrize(
    "sps, width, height",  # as x264 writes them
    [
        ("6742c01eda05c1479784000003000400000300f03c58ba80", 360, 640),
        ("6742c01fda014016e840000003004000000f03c60ca8", 1280, 720),
        ("6742c01eda0290bf889210000003001000000303c0f162ea", 642, 362),
        ("6742c028da01e0089f9610000003001000000303c0f1832a", 1920, 1080),
        (HIGH, 1280, 720),
    ],
)
def test_h264_sizes_are_read(sps: str, width: int, height: int) -> None:
    unit = bytes.fromhex(sps)
    assert pictures.size("H264", unit) == (width, height)
    assert pictures.size("H264", stap(unit, b"\x68pps")) == (width, height)


def test_emulation_prevention_is_no_content() -> None:
    unit = bytes.fromhex("6742000003da05c1479784000003000400000300f03c58ba80")
    assert pictures.size("H264", unit) == (360, 640)


def test_vp8_sizes_are_read() -> None:
    assert pictures.size("VP8", VP8_KEY) == (640, 360)
    assert pictures.size("H264", b"\x65idr") is None


@given(st.sampled_from(["H264", "VP8"]), st.binary(max_size=120))
def test_any_payload_is_looked_at_without_harm(codec: str, payload: bytes) -> None:
    pictures.is_keyframe(codec, payload)
    pictures.size(codec, payload)
    pictures.size("H264", b"\x67" + payload)
