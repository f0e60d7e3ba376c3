"""RTP packets as they come."""

import contextlib

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensions, HeaderExtensionsMap, RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from streams.media.answers import TRANSPORT_CC
from streams.media.rtp import Packet, ahead, header, parse, unwrap

u16, u32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)


@given(st.integers(0, 127), st.booleans(), u16, u32, u32, st.binary(max_size=1200), u16)
def test_what_aiortc_writes_is_read(
    pt: int, marker: bool, seq: int, ts: int, ssrc: int, payload: bytes, twcc: int
) -> None:
    theirs = RtpPacket(pt, int(marker), seq, ts, ssrc, payload)
    theirs.csrc = [1, 2]
    theirs.padding_size = 7
    names = HeaderExtensionsMap()
    names.configure(
        RTCRtpParameters(
            headerExtensions=[RTCRtpHeaderExtensionParameters(id=3, uri=TRANSPORT_CC)]
        )
    )
    theirs.extensions = HeaderExtensions(transport_sequence_number=twcc)
    packet = parse(theirs.serialize(names))
    assert (packet.payload_type, packet.marker) == (pt, marker)
    assert (packet.seq, packet.ts, packet.ssrc) == (seq, ts, ssrc)
    assert packet.payload == payload
    assert packet.extension == {3: twcc.to_bytes(2, "big")}


@given(st.binary(max_size=80))
def test_any_bytes_are_a_packet_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse(data)


@given(st.binary(max_size=60), st.integers(0, 255), st.integers(0, 255))
def test_damaged_headers_are_a_packet_or_a_value_error(
    rest: bytes, first: int, second: int
) -> None:
    data = bytes([0x80 | first & 0x3F, second]) + bytes(10) + b"\xbe\xde\x00\x02" + rest
    with contextlib.suppress(ValueError):
        parse(data)


def test_two_byte_extensions_are_read() -> None:
    data = header(96, 0, 1, 2, 3) + b"\x10\x00\x00\x01" + b"\x05\x02ab" + b"payload"
    packet = parse(bytes([data[0] | 16]) + data[1:])
    assert packet.extension == {5: b"ab"} and packet.payload == b"payload"


def test_a_retransmission_becomes_its_original() -> None:
    packet = unwrap(Packet(97, 1, 5, 6, 7, b"\x01\x02payload"), 96)
    assert packet is not None
    assert (packet.payload_type, packet.seq, packet.payload) == (96, 258, b"payload")
    assert unwrap(Packet(97, 1, 5, 6, 7, b""), 96) is None  # a probe


def test_a_header_takes_extended_numbers() -> None:
    assert header(96, 1, 0x1FFFF, 0x1_0000_0002, 7) == header(96, 1, 0xFFFF, 2, 7)


@pytest.mark.parametrize(
    "value, of, steps", [(5, 3, 2), (3, 5, -2), (1, 65535, 2), (65535, 1, -2)]
)
def test_numbers_go_round(value: int, of: int, steps: int) -> None:
    assert ahead(value, of) == steps
