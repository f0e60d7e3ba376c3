"""Real media through the engine: ffmpeg and aiortc publish, aiortc watches."""

import signal

import pytest

from streams.media.contract import NotLive, UnknownSession
from streams.media.engine import Engine
from tests.streams.media.conftest import People
from tests.streams.media.door import Door, Told
from tests.streams.media.offers import load
from tests.streams.media.wire import Recorder


@pytest.mark.parametrize("active", [False, True], ids=["dtls_passive", "dtls_active"])
async def test_a_viewer_gets_every_frame_of_ffmpeg(
    active: bool, engine: Engine, told: Told, people: People
) -> None:
    encoder = await people.encoder(seconds=4, gop=600, active=active)
    assert await told.wait("started") == ("started", "i1", "1", "H264", "opus")
    watcher = await people.watcher()
    await watcher.saw(encoder.frames - 1)  # the first second by the burst
    await told.wait("closed", "i1", "delete")
    assert len(watcher.frames) >= 0.99 * encoder.frames
    assert watcher.frames[0][2:] == (360, 640)
    assert watcher.sounds > 100


async def test_stats_say_what_comes_in(
    engine: Engine, told: Told, people: People
) -> None:
    await people.encoder(seconds=6)
    await told.wait("started")
    watcher = await people.watcher()
    await watcher.saw(60)
    stats = engine.stats(1)
    assert (stats.ingest, stats.video, stats.audio) == ("i1", "H264", "opus")
    assert (stats.width, stats.height) == (360, 640)
    assert 25 <= stats.fps <= 35 and 200 < stats.kbps < 2000
    assert stats.viewers == engine.viewers(1) == 1
    assert [s.kind for s in engine.sessions()] == ["ingest", "viewer"]
    assert engine.stats(7).ingest is None


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_aiortc_publishes(codec: str, told: Told, people: People) -> None:
    await people.camera(codec)
    assert await told.wait("started") == ("started", "i1", "1", codec, "opus")
    watcher = await people.watcher()
    await watcher.saw(30)
    assert watcher.frames[0][2:] == (320, 240)


async def test_a_newcomer_takes_over_at_its_keyframe_without_black(
    engine: Engine, told: Told, people: People
) -> None:
    await people.encoder()
    await told.wait("started", "i1")
    watcher = await people.watcher()
    await watcher.saw(30)
    await people.encoder()
    await told.wait("started", "i2")
    assert await told.wait("closed", "i1") == ("closed", "i1", "superseded")
    assert told.facts.index(("closed", "i1", "superseded")) > 1
    await watcher.saw(len(watcher.frames) + 60)
    assert watcher.longest_gap < 0.3
    assert_one_numbering(engine)
    assert not await engine.close("i1", "delete")  # a late DELETE closes nothing
    assert engine.stats(1).ingest == "i2"


def assert_one_numbering(engine: Engine) -> None:
    """Each track has one SSRC and no gap of our making."""
    assert isinstance(engine.fanout, Recorder)
    tracks: dict[int, list[int]] = {}
    for packet, _ in engine.fanout.left:
        tracks.setdefault(packet.ssrc, []).append(packet.seq)
    assert len(tracks) == 2
    for numbers in tracks.values():
        steps = {(b - a) & 0xFFFF for a, b in zip(numbers, numbers[1:], strict=False)}
        assert steps == {1}


async def test_viewers_stay_when_the_publisher_dies_and_see_the_next(
    engine: Engine, told: Told, people: People
) -> None:
    first = await people.encoder()
    await told.wait("started", "i1")
    watcher = await people.watcher()
    await watcher.saw(20)
    first.kill()
    await told.wait("silent", "i1")
    assert engine.viewers(1) == 1
    await people.encoder()
    await told.wait("started", "i2")
    await watcher.saw(len(watcher.frames) + 30)
    assert_one_numbering(engine)


async def test_a_silence_is_told_and_so_is_its_end(
    engine: Engine, told: Told, people: People
) -> None:
    encoder = await people.encoder()
    await told.wait("started")
    encoder.signal(signal.SIGSTOP)
    await told.wait("silent", "i1")
    assert [view.state for view in engine.sessions()] == ["silent"]
    encoder.signal(signal.SIGCONT)
    await told.wait("resumed", "i1")
    assert [view.state for view in engine.sessions()] == ["active"]


async def test_sound_alone_is_a_broadcast(
    engine: Engine, told: Told, people: People
) -> None:
    await people.camera(None)
    assert await told.wait("started") == ("started", "i1", "1", "None", "opus")
    watcher = await people.watcher()  # it offers a picture, too
    await watcher.heard(30)
    assert watcher.frames == [] and engine.stats(1).video is None


async def test_a_second_publisher_that_never_connects_kills_nothing(
    engine: Engine, door: Door, told: Told, people: People
) -> None:
    await people.encoder()
    await told.wait("started", "i1")
    await door.post("/whip/1", load("ffmpeg"))
    assert await told.wait("closed", "i2") == ("closed", "i2", "connecting")
    assert engine.stats(1).ingest == "i1"


async def test_a_lower_generation_never_takes_over(
    engine: Engine, told: Told, people: People
) -> None:
    await people.encoder()
    await told.wait("started", "i1")
    engine._relays[1].generation = 9
    await people.encoder()
    assert await told.wait("closed", "i2") == ("closed", "i2", "superseded")


async def test_nothing_is_played_before_something_was_shown(
    engine: Engine, door: Door
) -> None:
    with pytest.raises(NotLive):
        await door.post("/whep/1", load("chromium_viewer"))
    await door.post("/whip/1", load("ffmpeg"))
    with pytest.raises(NotLive):
        await door.post("/whep/1", load("chromium_viewer"))
    with pytest.raises(UnknownSession):
        await engine.patch(session="v1", if_match=None, fragment="")


async def test_stopping_a_stream_ends_its_sessions(
    engine: Engine, told: Told, people: People, door: Door
) -> None:
    await people.encoder()
    await told.wait("started")
    watcher = await people.watcher()
    await watcher.saw(5)
    await engine.stop_stream(1, "host")
    assert ("closed", "i1", "host") in told.facts
    assert engine.sessions() == []
    with pytest.raises(NotLive):
        await door.post("/whep/1", load("chromium_viewer"))
