"""What viewers get, whoever publishes."""

import asyncio
import time
from typing import Any

from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpRtpfbPacket, RtcpSrPacket

from streams.media.rtp import Packet, ahead
from streams.media.sdp import Codec, Kind
from streams.media.viewer import Viewer
from tests.streams.media.fakes import CODECS, DELTA, KEY, OPUS, VP8, Mute, Show

RTX = Codec("H264", 96, 98, 90_000, None)


class Sofa:
    """A viewer of a show, and what it got."""

    def __init__(self, show: Show, codecs: dict[Kind, Codec] | None = None) -> None:
        self.show = show
        self.ends: list[str] = []
        self.viewer = Viewer(
            "v1",
            None,
            show.relay,
            codecs or CODECS,
            lambda _, why: self.ends.append(why),
        )
        self.peer = self.viewer.peer = Mute()

    def sit(self) -> "Sofa":
        self.viewer.connected()
        return self

    def got(self, payload_type: int = 96) -> list[Packet]:
        left = self.show.wire.left.get(self.peer, [])
        return [packet for packet in left if packet.payload_type == payload_type]

    def says(self, packet: Any) -> None:
        self.viewer.rtcp([packet], time.monotonic())


def steps(packets: list[Packet]) -> set[int]:
    numbers = [packet.seq for packet in packets]
    return {ahead(b, a) for a, b in zip(numbers, numbers[1:], strict=False)}


def test_bytes_order_and_markers_are_kept() -> None:
    show = Show()
    sofa = Sofa(show).sit()
    show.picture(KEY)
    for n in range(50):
        show.picture(bytes([0x41, n]))
    got = sofa.got()
    assert steps(got) == {1}
    assert [p.payload[:2] for p in got[2::2]] == [bytes([0x41, n]) for n in range(50)]
    assert [p.marker for p in got] == [0, 1] * 51
    dates = [p.ts for p in got[::2]]
    gaps = {ahead(b, a, 32) for a, b in zip(dates, dates[1:], strict=False)}
    assert gaps == {3_000}


def test_a_late_joiner_begins_at_the_keyframe_and_hurries_to_the_present() -> None:
    show = Show()
    early = Sofa(show).sit()
    show.picture(KEY)
    for _ in range(60):
        show.picture()
    asked = show.source.asked
    late = Sofa(show).sit()
    assert len(late.got()) == 2 * 61 and show.source.asked == asked
    assert late.got()[0].payload.startswith(KEY)
    assert late.got()[-1].ts == early.got()[-1].ts
    assert ahead(late.got()[-1].ts, late.got()[0].ts, 32) == 60 * 90  # 60 ms, not 2 s
    show.picture()
    assert late.got()[-1].seq == early.got()[-1].seq
    assert steps(late.got()) == {1}


async def test_a_long_burst_is_paced_and_meets_the_head() -> None:
    show = Show()
    show.picture(KEY)
    for _ in range(60):
        show.picture(size=1_000)
    late = Sofa(show).sit()
    assert 10 < len(late.got()) < 60
    show.picture()  # it goes on meanwhile
    async with asyncio.timeout(5):
        while len(late.got()) < 2 * 62:
            await asyncio.sleep(0.01)
    show.picture()
    assert steps(late.got()) == {1} and len(late.got()) == 2 * 63


def test_without_a_picture_a_joiner_waits_for_one_and_asks() -> None:
    show = Show()
    sofa = Sofa(show).sit()
    assert show.source.asked == 1
    show.picture()
    assert sofa.got() == []
    show.picture(KEY)
    assert sofa.got()[0].payload.startswith(KEY) and len(sofa.got()) == 2


def test_a_keyframe_that_left_the_ring_is_no_beginning() -> None:
    show = Show()
    show.picture(KEY)
    for _ in range(1_100):
        show.picture()
    sofa = Sofa(show).sit()
    assert sofa.got() == [] and show.source.asked == 1


def test_parameter_sets_before_the_keyframe_belong_to_it() -> None:
    show = Show()
    show.packet("video", b"\x09\xf0")  # an access unit delimiter
    show.packet("video", b"\x06sei")
    show.picture(b"\x67sps")
    sofa = Sofa(show).sit()
    assert [p.payload[0] for p in sofa.got()[:3]] == [9, 6, 0x67]


def test_a_takeover_goes_on_in_number_and_time() -> None:
    show = Show()
    sofa = Sofa(show).sit()
    show.picture(KEY)
    show.picture()
    old, before = show.source, sofa.got()[-1]
    show.now += 0.5
    show.replaced(2)
    show.picture(KEY)
    after = sofa.got()[-2]
    assert old.ended and show.relay.generation == 2
    assert ahead(after.seq, before.seq) == 1 and after.ssrc == before.ssrc
    assert 44_000 < ahead(after.ts, before.ts, 32) < 50_000  # half a second
    assert sofa.ends == []


def test_packets_of_an_old_source_do_not_come_back() -> None:
    show = Show()
    sofa = Sofa(show).sit()
    show.picture(KEY)
    show.replaced(2)
    show.picture(KEY)
    count = len(sofa.got())
    late = Packet(96, 0, 6_990, 1, 5, b"\x41late")
    show.relay.forward("video", 6_990, late, show.now)
    assert len(sofa.got()) == count


def test_another_codec_lets_its_viewers_go() -> None:
    show = Show()
    sofa, other = Sofa(show).sit(), Sofa(show, {"audio": OPUS}).sit()
    show.picture(KEY)
    show.replaced(2, VP8)
    assert sofa.ends == ["codec"] and other.ends == []
    assert show.track.picture() is None  # the ring holds another codec


async def test_keyframe_requests_are_merged() -> None:
    show = Show()
    sofas = [Sofa(show) for _ in range(20)]
    show.picture(KEY)
    for sofa in sofas:
        sofa.sit()
        sofa.says(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=show.track.ssrc))
    assert show.source.asked == 1
    async with asyncio.timeout(5):
        while show.source.asked < 2:
            await asyncio.sleep(0.01)
    assert show.relay._trailing is None  # and that was all


def lost(show: Show, *numbers: int) -> RtcpRtpfbPacket:
    return RtcpRtpfbPacket(1, 1, show.track.ssrc, [n & 65_535 for n in numbers])


def test_what_a_viewer_lost_is_sent_again_by_rtx() -> None:
    show = Show()
    sofa = Sofa(show, {"video": RTX}).sit()
    show.picture(KEY)
    show.picture(b"\x41this")
    missing = sofa.got()[2]
    sofa.says(lost(show, missing.seq))
    sofa.says(lost(show, missing.seq))  # within 20 ms: once
    (again,) = sofa.got(98)
    assert again.payload == missing.seq.to_bytes(2, "big") + missing.payload
    assert (again.ts, again.marker) == (missing.ts, missing.marker)
    assert again.ssrc == show.track.rtx_ssrc != missing.ssrc


def test_without_rtx_the_packet_itself_comes_again() -> None:
    show = Show()
    sofa = Sofa(show).sit()
    show.picture(KEY)
    missing = sofa.got()[1]
    sofa.says(lost(show, missing.seq, missing.seq + 500))
    assert len(sofa.got()) == 3
    assert (sofa.got()[2].seq, sofa.got()[2].payload) == (missing.seq, missing.payload)


def test_a_viewer_gets_a_share_again_and_no_more() -> None:
    show = Show()
    sofa = Sofa(show, {"video": RTX}).sit()
    show.picture(KEY)
    for _ in range(100):
        show.picture(size=1_000)
    sofa.says(lost(show, *(p.seq for p in sofa.got())))
    again = sum(len(p.payload) for p in sofa.got(98))
    assert 16_000 < again < 40_000 and sofa.viewer.refused > 50


def test_audio_comes_at_once_and_reports_say_when() -> None:
    show = Show()
    show.packet("audio", b"sound")
    sofa = Sofa(show).sit()
    show.packet("audio", b"more")
    assert [p.payload for p in sofa.got(111)] == [b"more"]
    reports = RtcpPacket.parse(sofa.peer.reports[0])
    assert isinstance(reports[0], RtcpSrPacket)
    assert reports[0].ssrc == show.relay.tracks["audio"].ssrc


def test_a_report_follows_the_source_s_clock() -> None:
    show = Show()
    show.picture(KEY)
    theirs = 1_000 << 32
    show.track.note_report(theirs, show.ts - 3_000, show.now)
    told = show.track.sender_report(5e9, show.now + 1.0)
    assert told is not None
    assert told.sender_info.ntp_timestamp == theirs + (1 << 32)
    sent = show.track.get(show.track.head)
    assert sent is not None
    assert ahead(told.sender_info.rtp_timestamp, sent.ts, 32) == 90_000


def test_who_leaves_gets_nothing_more() -> None:
    show = Show()
    sofa = Sofa(show).sit()
    show.picture(KEY)
    sofa.viewer.close()
    show.picture(DELTA)
    assert len(sofa.got()) == 2 and show.relay.viewers == 0
    assert sofa.peer.goodbyes == 1
