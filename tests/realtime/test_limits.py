"""One connection's bucket, by a clock of our own."""

from realtime.limits import Limits, LocalBucket
from realtime.router import Rate


def test_a_bucket_lets_its_burst_pass_and_then_its_rate() -> None:
    bucket = LocalBucket(Rate(20, burst=60), now=0.0)
    assert [bucket.take(0.0) for _ in range(60)] == [0] * 60
    assert bucket.take(0.0) == 50
    assert bucket.take(0.049) > 0
    assert bucket.take(0.1) == 0


def test_a_bucket_saves_no_more_than_its_burst() -> None:
    bucket = LocalBucket(Rate(20, burst=3), now=0.0)
    assert [bucket.take(1000.0) for _ in range(4)] == [0, 0, 0, 50]


def test_a_returning_client_may_subscribe_to_all_its_channels_at_once() -> None:
    limits = Limits(now=0.0)
    assert all(limits.refusal("subscribe", 0.0) is None for _ in range(64))
    assert limits.refusal("rpc", 0.0) is None


def test_200_refusals_in_ten_seconds_are_abuse() -> None:
    limits = Limits(now=0.0)
    for _ in range(60 + 199):
        limits.refusal("rpc", 0.0)
    assert not limits.abusive(0.0)
    limits.refusal("rpc", 0.0)
    assert limits.abusive(9.9) and not limits.abusive(10.1)
