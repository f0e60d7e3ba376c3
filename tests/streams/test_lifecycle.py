"""The table of a stream's life, row by row, and shuffled."""

from hypothesis import given
from hypothesis import strategies as st

from streams.lifecycle import (
    LEADS_TO,
    End,
    Event,
    GoLive,
    Lost,
    Refusal,
    Returned,
    Show,
    Shown,
    Step,
    next_step,
)

LIVE = Show("live", 3, "active")
AWAY = Show("interrupted", 3, "silent")


def step(show: Show, event: Event) -> Step:
    made = next_step(show, event)
    assert isinstance(made, Step), made
    return made


def test_a_first_picture_makes_a_draft_a_preview() -> None:
    made = step(Show("draft"), Shown(1))
    assert (made.to, made.kind, made.generation) == ("preview", "previewed", 1)


def test_the_host_goes_live_from_a_preview_and_the_longest_show_is_timed() -> None:
    made = step(Show("preview", 1, "active"), GoLive())
    assert (made.to, made.kind, made.timers) == ("live", "started", ("max_length",))


def test_without_a_flowing_picture_nobody_goes_live() -> None:
    for show in (Show("draft"), Show("preview", 1, "silent")):
        assert next_step(show, GoLive()) == Refusal("no_media")
    for show in (LIVE, AWAY, Show("ended", 3)):
        assert next_step(show, GoLive()) == Refusal("state")


def test_a_preview_whose_picture_goes_is_a_draft_again_but_not_when_it_is_silent() -> (
    None
):
    preview = Show("preview", 2, "active")
    made = step(preview, Lost(2, closed=True))
    assert (made.to, made.kind) == ("draft", "withdrawn")
    assert next_step(preview, Lost(2, closed=False)) == Refusal("state")


def test_silence_and_an_end_of_the_ingest_interrupt_a_show_and_start_the_grace() -> (
    None
):
    for closed in (True, False):
        made = step(LIVE, Lost(3, closed=closed))
        assert (made.to, made.timers) == ("interrupted", ("grace",))
    assert next_step(AWAY, Lost(3, closed=True)) == Refusal("state")


def test_the_same_ingest_or_a_newer_one_brings_the_show_back() -> None:
    for event in (Returned(3), Shown(4)):
        made = step(AWAY, event)
        assert (made.to, made.kind, made.stops) == ("live", "recovered", ("grace",))
    assert step(AWAY, Shown(4)).generation == 4


def test_a_newer_ingest_takes_a_running_show_over() -> None:
    made = step(LIVE, Shown(4))
    assert (made.to, made.kind, made.generation) == ("live", "replaced", 4)
    assert next_step(LIVE, Returned(3)) == Refusal("state")


def test_late_news_of_a_superseded_ingest_changes_nothing() -> None:
    for event in (Shown(2), Shown(3), Returned(2), Lost(2, closed=True)):
        assert next_step(LIVE, event) == Refusal("late")


def test_only_an_open_show_ends_and_then_for_good() -> None:
    made = step(AWAY, End("lost"))
    assert (made.to, made.reason) == ("ended", "lost")
    assert made.stops == ("grace", "max_length")
    assert step(LIVE, End("host")).to == "ended"
    for show in (Show("draft"), Show("preview", 1, "active"), Show("ended", 3)):
        assert next_step(show, End("host")) == Refusal("state")


def test_a_grace_that_runs_out_beside_the_return_ends_nothing() -> None:
    assert next_step(LIVE, End("lost")) == Refusal("late")


generations = st.integers(0, 6)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Shown, generations),
    st.builds(Returned, generations),
    st.builds(Lost, generations, closed=st.booleans()),
    st.just(GoLive()),
    st.builds(End, st.sampled_from(["host", "lost", "too_long", "stopped"])),
)


@given(st.lists(events, max_size=60))
def test_in_any_order_generations_only_grow_and_an_end_is_final(
    told: list[Event],
) -> None:
    show = Show("draft")
    for event in told:
        made = next_step(show, event)
        if isinstance(made, Refusal):
            continue
        assert show.state != "ended"
        assert made.generation >= show.generation
        assert made.to == LEADS_TO.get(made.kind, show.state)
        assert (made.reason is not None) == (made.to == "ended")
        shows = made.kind in ("previewed", "recovered", "replaced", "started")
        show = Show(made.to, made.generation, "active" if shows else "none")
