"""A room's setting from second to second, and which comments a budget lets through."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.controller import Sample, Setting, fair, step
from realtime.recovery import EXEMPT, Publication

LATE = Sample(lag=0.2, told=100)


def after(before: Setting, *samples: Sample) -> Setting:
    for sample in samples:
        before = step(before, sample)
    return before


@pytest.mark.parametrize(
    "sample", [LATE, Sample(longest=0.03), Sample(behind=0.06)], ids=str
)
def test_trouble_makes_the_tick_grow_first(sample: Sample) -> None:
    assert step(Setting(), sample) == Setting(tick_ms=100)


def test_a_tick_that_cannot_grow_makes_the_budget_shrink_to_five_a_second() -> None:
    longest = after(Setting(), *[LATE] * 4)
    assert longest == Setting(tick_ms=250)
    assert step(longest, LATE) == Setting(250, budget=70)
    assert after(longest, *[LATE] * 30) == Setting(250, budget=5)


def test_a_healthy_room_is_told_more_until_nothing_is_shed_then_sooner() -> None:
    well, shedding = Sample(told=70), Sample(told=70, shed=30)
    five = [shedding] * 5
    assert after(Setting(250, budget=70), *five) == Setting(250, budget=84)
    assert after(Setting(250, budget=84), *[well] * 5) == Setting(250)
    assert after(Setting(250), *[well] * 5) == Setting(200)


def test_when_the_load_is_gone_all_is_as_before_within_thirty_seconds() -> None:
    flooded = after(Setting(), *[LATE] * 60)
    calm = after(flooded, *[Sample()] * 30)
    assert (calm.tick_ms, calm.budget) == (50, inf)


@given(
    flags=st.lists(st.sampled_from([0, 0, 0, EXEMPT]), max_size=60),
    allowed=st.integers(0, 70),
)
def test_a_fair_part_is_in_order_even_and_holds_all_that_is_exempt(
    flags: list[int], allowed: int
) -> None:
    offered = [Publication(n, "e", b"", flag) for n, flag in enumerate(flags, 1)]
    taken = fair(offered, allowed)
    assert [p.offset for p in taken] == sorted({p.offset for p in taken})
    common = [p for p in offered if not p.flags]
    kept = [common.index(p) for p in taken if not p.flags]
    assert len(kept) == min(allowed, len(common))
    assert len(taken) - len(kept) == len(offered) - len(common)
    if kept:  # no stretch is left out longer than an even share
        share = -(-len(common) // len(kept))
        edges = [*kept, len(common)]
        assert all(b - a <= share for a, b in zip(kept, edges[1:], strict=True))
