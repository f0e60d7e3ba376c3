"""Offers as they come, and as they must not come."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.media.answers import Local, Sender, answer_publisher, answer_viewer
from streams.media.contract import BadSdp, NoCommonCodec, Unacceptable
from streams.media.sdp import Codec, Kind, Offer, choose, match, parse_offer
from tests.streams.media.offers import NAMES, PLAY, PUBLISH, directions, load

LOCAL = Local("ufrag123", "p" * 32, ":".join(["AB"] * 32), (("192.0.2.1", 8443),))
SENDERS: dict[Kind, Sender] = {
    "video": Sender(11, 12, "souk"),
    "audio": Sender(21, 22, "souk"),
}


def chosen(offer: Offer) -> dict[Kind, Codec]:
    return {media.kind: choose(media, None) for media in offer.media}


@pytest.mark.parametrize("name", NAMES)
def test_offers_as_they_come_are_read(name: str) -> None:
    offer = parse_offer(load(name), directions(name))
    video, audio = offer.of("video"), offer.of("audio")
    assert video is not None and audio is not None
    assert video.codecs[0].name == "H264"
    assert audio.codecs[0].name == "opus"
    assert offer.ufrag and len(offer.pwd) >= 22
    assert offer.setup == ("passive" if name == "ffmpeg" else "actpass")


def test_h264_is_chosen_though_vp8_is_offered_first() -> None:
    video = parse_offer(load("chromium_publisher"), PUBLISH).of("video")
    assert video is not None
    assert "VP8" in [codec.name for codec in video.codecs]
    assert choose(video, None).profile == "42e01f"
    assert choose(video, "VP8").name == "VP8"
    assert choose(video, "AV1").name == "H264"


def test_a_publisher_is_told_what_feedback_comes() -> None:
    offer = parse_offer(load("chromium_publisher"), PUBLISH)
    answer = answer_publisher(offer, chosen(offer), LOCAL, 2500)
    for line in (
        "a=ice-lite",
        "a=setup:passive",
        "a=recvonly",
        "b=TIAS:2500000",
        "a=rtcp-fb:108 nack pli",
        "a=rtcp-fb:108 transport-cc",
        "a=candidate:1 1 udp 2130706430 192.0.2.1 8443 typ host",
        "a=end-of-candidates",
    ):
        assert f"\r\n{line}\r\n" in answer
    assert "goog-remb" not in answer and "VP8" not in answer
    assert answer.startswith("v=0\r\n") and len(answer) < 8192


def test_who_waits_for_our_hello_is_answered_active() -> None:
    offer = parse_offer(load("ffmpeg"), PUBLISH)
    answer = answer_publisher(offer, chosen(offer), LOCAL, 4000)
    assert "a=setup:active" in answer and "a=setup:passive" not in answer


def test_an_answer_keeps_the_order_of_its_offer() -> None:
    for name in NAMES:
        offer = parse_offer(load(name), directions(name))
        answer = answer_publisher(offer, chosen(offer), LOCAL, 4000)
        asked = re.findall("^m=(\\w+)", load(name), re.M)
        assert re.findall("^m=(\\w+)", answer, re.M) == asked


def test_a_viewer_reads_the_primary_ssrc_before_the_rtx_one() -> None:
    offer = parse_offer(load("chromium_viewer"), PLAY)
    answer = answer_viewer(offer, chosen(offer), LOCAL, SENDERS)
    assert answer.index("a=ssrc:11 ") < answer.index("a=ssrc:12 ")
    assert "a=ssrc-group:FID 11 12" in answer
    assert "a=ssrc:22 " not in answer  # Opus has no RTX
    assert "a=sendonly" in answer and "a=extmap" not in answer


def test_a_viewer_takes_the_payload_type_of_the_profile_on_air() -> None:
    video = parse_offer(load("chromium_viewer"), PLAY).of("video")
    assert video is not None
    on_air = Codec("H264", 1, None, 90_000, None, {"profile-level-id": "4d001f"})
    assert match(video, on_air).profile.startswith("4d")
    with pytest.raises(NoCommonCodec) as refused:
        match(video, Codec("H265", 1, None, 90_000, None))
    assert refused.value.data == {"codec": "H265"}


FFMPEG = load("ffmpeg")


@pytest.mark.parametrize(
    "was, becomes, m_line, why",
    [
        ("m=video", "m=application", 1, "application"),
        ("a=sendonly", "a=recvonly", 0, "direction"),
        ("a=rtcp-mux\r\n", "", 0, "rtcp-mux"),
        ("opus/48000/2", "PCMU/8000", 0, "codec"),
        ("packetization-mode=1", "packetization-mode=0", 1, "codec"),
        ("BUNDLE 0 1", "BUNDLE 0", -1, "BUNDLE"),
        ("a=mid:1", "a=mid:0", -1, "BUNDLE"),
        ("sha-256", "sha-1", 0, "sha-256"),
        ("a=setup:passive\r\n", "", 0, "setup"),
        ("a=ice-ufrag:73ee424f", "a=ice-ufrag:x", 0, "ice"),
        ("t=0 0", "t=0 0\r\na=ice-lite", -1, "ice-lite"),
        ("m=video", "m=audio", 1, "codec"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", 0, "SAVPF"),
    ],
)
def test_a_wrong_shape_is_named(was: str, becomes: str, m_line: int, why: str) -> None:
    with pytest.raises(Unacceptable) as refused:
        parse_offer(FFMPEG.replace(was, becomes), PUBLISH)
    assert refused.value.data["m_line"] == m_line
    assert why in str(refused.value.data["why"])


def test_two_videos_are_one_too_many() -> None:
    video = FFMPEG[FFMPEG.index("m=video") :]
    twice = (FFMPEG + video.replace("a=mid:1", "a=mid:2")).replace(
        "BUNDLE 0 1", "BUNDLE 0 1 2"
    )
    with pytest.raises(Unacceptable, match="unacceptable"):
        parse_offer(twice, PUBLISH)


@pytest.mark.parametrize(
    "text",
    ["", "\x00\x01\x02", "<html></html>", "v=0", "{}", "v=0\r\nm=video\r\n", "v=1"],
)
def test_what_is_not_sdp_is_refused(text: str) -> None:
    with pytest.raises((BadSdp, Unacceptable)):
        parse_offer(text, PUBLISH)


def test_the_line_that_is_wrong_is_named() -> None:
    lines = FFMPEG.split("\r\n")
    at = lines.index("a=rtpmap:106 H264/90000")
    lines[at] = "a=rtpmap:106"
    with pytest.raises(BadSdp) as refused:
        parse_offer("\r\n".join(lines), PUBLISH)
    assert refused.value.data["line"] == at + 1


def test_bounds_hold() -> None:
    for many in ("a=x\r\n" * 1_001, "a=candidate:1\r\n" * 65, "a=" + "x" * 65_536):
        with pytest.raises(BadSdp):
            parse_offer(FFMPEG + many, PUBLISH)
    formats = FFMPEG.replace("106 105", " ".join(["106"] * 130))
    with pytest.raises(BadSdp):
        parse_offer(formats, PUBLISH)


def test_nothing_of_a_stranger_is_echoed() -> None:
    hostile = FFMPEG.replace("42001e", "42001e;x-evil=1;sprop-stereo=e v i l")
    offer = parse_offer(hostile, PUBLISH)
    answer = answer_publisher(offer, chosen(offer), LOCAL, 4000)
    assert "profile-level-id=42001e" in answer
    assert "evil" not in answer and "e v i l" not in answer


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    cuts=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=12)),
        min_size=1,
        max_size=6,
    ),
)
def test_a_damaged_offer_ends_in_an_answer_or_a_typed_refusal(
    name: str, cuts: list[tuple[float, int, bytes]]
) -> None:
    data = load(name).encode()
    for where, length, put in cuts:
        at = int(where * len(data))
        data = data[:at] + put + data[at + length :]
    began = time.perf_counter()
    try:
        offer = parse_offer(data.decode(errors="replace"), directions(name))
        answer_publisher(offer, chosen(offer), LOCAL, 4000)
        answer_viewer(offer, chosen(offer), LOCAL, SENDERS)
    except (BadSdp, Unacceptable):
        pass
    assert time.perf_counter() - began < 0.5
