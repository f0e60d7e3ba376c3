"""Whatever bytes come, nothing breaks: strangers' datagrams, peers' packets."""

import contextlib
import socket
import struct
from typing import Any

import pytest
from aioice import stun
from aiortc.rtp import RtcpPacket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.media.ice import UdpMux
from streams.media.receiver import Receiver
from streams.media.sdp import parse_offer
from streams.media.viewer import Viewer
from tests.streams.media.fakes import CODECS, KEY, Mute, Show
from tests.streams.media.offers import PUBLISH, load
from tests.streams.media.test_ice import Guest, check

ATTRIBUTES = st.lists(
    st.tuples(
        st.sampled_from([6, 8, 0x20, 0x24, 0x25, 9, 0x8028]), st.binary(max_size=24)
    ),
    max_size=4,
)


class Silent(UdpMux):
    """A port without a socket; sending is an error."""

    def hear(self, data: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            self._received(sock, data, [], ("192.0.2.1", 5000))


@given(st.binary(max_size=200), ATTRIBUTES)
def test_no_datagram_of_a_stranger_does_anything(
    data: bytes, attributes: list[tuple[int, bytes]]
) -> None:
    mux, guest = Silent(), Guest()
    ufrag, _ = mux.expect(guest)
    body = b"".join(
        struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
        for kind, value in [(6, ufrag.encode() + b":x"), *attributes]
    )
    mux.hear(data)
    mux.hear(struct.pack("!HHI12s", 1, len(body), stun.COOKIE, bytes(12)) + body)
    mux.hear(check(ufrag, "wrong")[: len(data)])
    assert guest.seen == [] and mux.dropped == 3


@pytest.fixture
def told() -> list[bytes]:
    return []


def receiver(told: list[bytes]) -> Receiver:
    offer = parse_offer(load("chromium_publisher"), PUBLISH)
    codecs = {media.kind: media.codecs[0] for media in offer.media}
    return Receiver(offer, codecs, 4000, told.append, lambda now: None)


PACKETS = st.lists(
    st.tuples(
        st.sampled_from([0x80, 0x90, 0xA0, 0xB1]),
        st.sampled_from([108, 109, 111, 236, 5]),
        st.integers(0, 65_535),
        st.binary(max_size=40),
    ),
    max_size=30,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(packets=PACKETS)
async def test_any_packets_of_a_publisher_are_counted_or_dropped(
    packets: list[tuple[int, int, int, bytes]], told: list[bytes]
) -> None:
    receiving = receiver(told)
    for n, (first, second, seq, rest) in enumerate(packets):
        data = struct.pack("!BBHII", first, second, seq, n * 3000, 7) + rest
        with contextlib.suppress(ValueError):
            receiving.receive(data, n / 30)
    receiving.report("name", 2.0)
    receiving.request_keyframe()
    receiving.close()
    for rtcp in told:
        RtcpPacket.parse(rtcp)


@given(st.integers(200, 207), st.integers(0, 31), st.binary(max_size=60))
def test_any_feedback_of_a_viewer_is_obeyed_or_ignored(
    kind: int, count: int, rest: bytes
) -> None:
    show = Show()
    viewer = Viewer("v1", None, show.relay, CODECS, lambda *_: None)
    viewer.peer = Mute()
    viewer.connected()
    show.picture(KEY)
    rest = rest[: len(rest) // 4 * 4]
    data = struct.pack("!BBH", 0x80 | count, kind, len(rest) // 4) + rest
    packets: list[Any] = []
    with contextlib.suppress(ValueError, IndexError, struct.error):
        packets = RtcpPacket.parse(data)
    viewer.rtcp([p for p in packets if getattr(p, "fmt", 0) not in (1, 4)], 1.0)
    viewer.rtcp([p for p in packets if hasattr(p, "lost")], 1.0)
