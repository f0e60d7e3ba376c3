"""The flood guard and the figures for the health panel."""

from streams.media.feedback import Reception
from streams.media.meter import Meter
from tests.streams.media.fakes import KEY, Show


def test_what_is_above_the_agreed_rate_is_dropped_and_at_length_a_flood() -> None:
    meter = Meter(max_kbps=800)  # twice: 200,000 bytes a second
    for second in range(10):
        taken = sum(meter.allow(1_000, second + n / 400) for n in range(400))
        assert taken == 200 and not meter.flooded
    meter.allow(1_000, 10.0)
    assert meter.flooded


def test_a_burst_is_no_flood() -> None:
    meter = Meter(max_kbps=800)
    for second in range(20):
        for n in range(400 if second % 5 == 0 else 100):
            meter.allow(1_000, second + n / 400)
    assert not meter.flooded


def test_small_packets_are_counted_too() -> None:
    meter = Meter(max_kbps=100_000)
    assert sum(meter.allow(20, 5 + n / 4_000) for n in range(3_000)) == 2_000


def test_figures_are_of_the_last_two_seconds() -> None:
    meter, show, video = Meter(4_000), Show(), Reception(90_000)
    meter.tick(100.0, {"video": video}, show.relay)
    for n in range(60):
        show.picture(KEY)
        if n % 10:
            meter.allow(2_500, 100 + n / 30)
            video.add(n, 0, 100 + n / 30)
    meter.tick(102.0, {"video": video}, show.relay)
    assert (meter.kbps, meter.fps) == (540, 30.0)
    assert 8 < meter.loss_pct < 10
