"""A ring and what `recover` says of it, against a plain list."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.recovery import Gap, Position, Publication, Recovered, Ring, recover


def pub(offset: int, epoch: str = "e") -> Publication:
    return Publication(offset, epoch, b"")


@given(
    size=st.integers(1, 12),
    first=st.integers(1, 50),
    length=st.integers(0, 30),
    since=st.integers(0, 90),
    behind=st.integers(0, 5),
)
def test_recovered_is_all_that_was_missed_or_it_is_a_gap(
    size: int, first: int, length: int, since: int, behind: int
) -> None:
    log = [pub(offset) for offset in range(first, first + length)]
    top = log[-1].offset if log else first - 1
    sent = max(first - 1, top - behind)
    found = recover(Ring(size, log), Position(since, "e"), "e", sent)
    held = {p.offset for p in log[-size:]}
    missed = list(range(since + 1, sent + 1))
    if since > sent:
        assert found == Gap("ahead")
    elif all(offset in held for offset in missed):
        assert isinstance(found, Recovered)
        assert [p.offset for p in found.publications] == missed
    else:
        assert found == Gap("trimmed")


def test_no_more_than_a_mebibyte_is_told_to_one_who_comes_back() -> None:
    log = [Publication(n, "e", bytes(32 * 1024)) for n in range(1, 34)]
    ring = Ring(50, log)
    assert recover(ring, Position(0, "e"), "e", 33) == Gap("large")
    assert recover(ring, Position(1, "e"), "e", 33) == Recovered(log[1:])


def test_another_epoch_is_a_gap_even_at_the_same_offset() -> None:
    assert recover(Ring(3, [pub(1)]), Position(1, "old"), "e", 1) == Gap("epoch")


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 9)), max_size=20))
def test_a_ring_is_always_one_contiguous_run(steps: list[tuple[str, int]]) -> None:
    ring = Ring(5)
    for epoch, offset in steps:
        ring.append(pub(offset, epoch))
    if steps:
        last = steps[-1][1]
        run = ring.between(last - len(ring), last)
        assert run is not None
        assert [p.offset for p in run] == list(range(last - len(ring) + 1, last + 1))
        assert {p.epoch for p in run} <= {steps[-1][0]}
