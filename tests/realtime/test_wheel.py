"""Pings by slots."""

from realtime.protocol import PING_SECONDS
from realtime.wheel import Wheel


class Spoke:
    def __init__(self) -> None:
        self.pings = 0

    def ping(self) -> None:
        self.pings += 1


def test_each_is_pinged_every_25_turns_and_first_a_whole_round_after_it_came() -> None:
    wheel, spoke = Wheel(), Spoke()
    wheel.turn()
    wheel.add(spoke)
    for _ in range(PING_SECONDS - 1):
        wheel.turn()
    assert spoke.pings == 0
    wheel.turn()
    assert spoke.pings == 1
    for _ in range(PING_SECONDS):
        wheel.turn()
    assert spoke.pings == 2


def test_who_has_left_is_not_pinged() -> None:
    wheel, spoke = Wheel(), Spoke()
    wheel.add(spoke)
    wheel.remove(spoke)
    wheel.remove(spoke)
    for _ in range(PING_SECONDS):
        wheel.turn()
    assert spoke.pings == 0 and len(wheel) == 0
