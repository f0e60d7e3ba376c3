"""What a host is told of their picture."""

from msgspec.structs import replace

from streams.health import health
from streams.media.contract import StreamStats

GOOD = StreamStats(
    stream=1,
    ingest="i",
    generation=1,
    video="H264",
    audio="opus",
    kbps=2000,
    fps=30.0,
    width=720,
    height=1280,
    keyframe_s=2.0,
)


def test_a_good_portrait_picture_needs_no_hint() -> None:
    told = health(GOOD, 5)
    assert (told.verdict, told.hints, told.at) == ("good", [], 5)


def test_each_weakness_has_its_hint() -> None:
    for change, hint, verdict in (
        ({"kbps": 300}, "low_bitrate", "ok"),
        ({"audio": None}, "no_audio", "good"),
        ({"video": None}, "no_video", "bad"),
        ({"keyframe_s": 10.0}, "long_gop", "ok"),
        ({"loss_pct": 3.0}, "loss", "ok"),
        ({"loss_pct": 12.0}, "loss", "bad"),
        ({"width": 180, "height": 320}, "small_picture", "good"),
        ({"width": 1280, "height": 720}, "landscape", "good"),
    ):
        told = health(replace(GOOD, **change), 0)
        assert (told.hints, told.verdict) == ([hint], verdict)


def test_nobody_publishing_is_no_data_without_hints() -> None:
    told = health(StreamStats(1, None, 0, None, None), 0)
    assert (told.verdict, told.hints) == ("no_data", [])
