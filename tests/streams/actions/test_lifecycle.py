"""A stream's life in SQL: rows, timers, what is told; fencing and races."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import msgspec
import pytest
from django.db import connections
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from realtime import CommandError
from realtime.models import OutboxEvent
from streams.actions import lifecycle, signalling
from streams.audit import findings
from streams.models import Ingest, Stream, StreamEvent, Timer
from streams.signals import stream_ended, stream_started
from streams.sweeper import deliver_signals, fire_timers

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
]

Shows = Callable[..., Ingest]


def kinds(stream: Stream) -> list[str]:
    return list(stream.history.order_by("seq").values_list("kind", flat=True))


def told(stream: Stream, channel: str) -> list[dict[str, object]]:
    rows = OutboxEvent.objects.order_by("id")
    name = f"{channel}:{stream.pk}"
    return [msgspec.msgpack.decode(r.data) for r in rows if r.channels == [name]]


def overdue(stream: Stream, kind: str) -> None:
    stream.timers.filter(kind=kind).update(due_at=F("due_at") - timedelta(days=2))


def test_a_whole_show_is_numbered_without_a_hole(stream: Stream, show: Shows) -> None:
    ingest = show(stream)
    lifecycle.go_live(stream.pk)
    lifecycle.ingest_silent(ingest.pk)
    lifecycle.ingest_resumed(ingest.pk)
    ended = lifecycle.end(stream.pk, "host")
    assert kinds(stream) == [
        "previewed",
        "started",
        "interrupted",
        "recovered",
        "ended",
    ]
    assert (ended.version, ended.state, ended.end_reason) == (5, "ended", "host")
    assert [event["type"] for event in told(stream, "deals")] == [
        "stream.started",
        "stream.interrupted",
        "stream.recovered",
        "stream.ended",
    ]
    assert [event["version"] for event in told(stream, "deals")] == [2, 3, 4, 5]
    ingest.refresh_from_db()
    assert (ingest.state, ingest.reason) == ("closed", "ended")
    assert not stream.timers.exists()
    assert list(findings()) == []


def test_a_show_that_was_started_has_its_time_and_its_media(live: Stream) -> None:
    assert live.started_at is not None
    started = told(live, "deals")[0]
    assert started["media"] == {"video": "H264", "audio": "opus"}
    assert live.timers.get().kind == Timer.Kind.MAX_LENGTH


def test_going_live_needs_a_picture_and_happens_once(
    stream: Stream, show: Shows
) -> None:
    with pytest.raises(CommandError) as none:
        lifecycle.go_live(stream.pk)
    assert (none.value.name, none.value.data) == ("no_media", {"why": "none"})
    ingest = show(stream)
    lifecycle.ingest_silent(ingest.pk)
    with pytest.raises(CommandError) as silent:
        lifecycle.go_live(stream.pk)
    assert silent.value.data == {"why": "silent"}
    lifecycle.ingest_resumed(ingest.pk)
    lifecycle.go_live(stream.pk)
    with pytest.raises(CommandError) as twice:
        lifecycle.go_live(stream.pk)
    assert twice.value.name == "stream_state"
    assert twice.value.data == {"state": "live", "version": 2}


def test_an_ingest_that_ends_interrupts_and_its_host_is_waited_for(
    live: Stream,
) -> None:
    ingest = live.ingests.get()
    assert lifecycle.ingest_closed(ingest.pk, "deleted")
    assert not lifecycle.ingest_closed(ingest.pk, "deleted")
    live.refresh_from_db()
    assert live.state == "interrupted"
    grace = live.timers.get(kind="grace")
    interrupted = told(live, "deals")[-1]
    assert interrupted["grace_until"] == int(grace.due_at.timestamp() * 1000)
    overdue(live, "grace")
    fire_timers()
    live.refresh_from_db()
    assert (live.state, live.end_reason) == ("ended", "lost")
    assert list(findings()) == []


def test_a_grace_that_no_longer_fits_is_forgotten(live: Stream) -> None:
    live.timers.create(kind="grace", due_at=live.created_at, version=1)
    fire_timers()
    live.refresh_from_db()
    assert (live.state, live.timers.count()) == ("live", 1)


def test_a_show_longer_than_allowed_ends(live: Stream) -> None:
    overdue(live, "max_length")
    fire_timers()
    live.refresh_from_db()
    assert (live.state, live.end_reason) == ("ended", "too_long")


def test_a_newer_ingest_takes_over_and_the_old_one_s_end_changes_nothing(
    live: Stream, show: Shows
) -> None:
    old = live.ingests.get()
    new = show(live)
    assert (live.state, live.generation) == ("live", 2)
    old.refresh_from_db()
    assert (old.state, old.reason) == ("closed", "superseded")
    assert not lifecycle.ingest_closed(old.pk, "deleted")
    lifecycle.ingest_silent(old.pk)
    live.refresh_from_db()
    assert live.state == "live"
    assert list(live.ingests.showing()) == [new]
    assert [e["type"] for e in told(live, "deals")] == ["stream.started"]
    assert list(findings()) == []


def test_a_newcomer_that_never_shows_leaves_the_old_one_on_air(
    live: Stream, connect_ingest: Shows
) -> None:
    newcomer = connect_ingest(live)
    lifecycle.ingest_closed(newcomer.pk, "connecting")
    live.refresh_from_db()
    assert (live.state, live.generation) == ("live", 1)
    assert live.ingests.showing().get().generation == 1


def test_of_two_newcomers_the_higher_generation_stays(
    live: Stream, connect_ingest: Shows
) -> None:
    second, third = connect_ingest(live), connect_ingest(live)
    assert lifecycle.ingest_started(third.pk, "H264", "opus")
    assert not lifecycle.ingest_started(second.pk, "H264", "opus")
    second.refresh_from_db()
    assert (second.state, second.reason) == ("closed", "superseded")
    live.refresh_from_db()
    assert live.generation == 3


def test_another_codec_or_a_node_begun_anew_tells_viewers_to_rejoin(
    live: Stream, show: Shows
) -> None:
    show(live, video="VP8")
    recovered = told(live, "deals")[-1]
    assert (recovered["type"], recovered["rejoin"]) == ("stream.recovered", True)
    lifecycle.ingest_closed(live.ingests.showing().get().pk, "deleted")
    show(live, video="VP8")
    recovered = told(live, "deals")[-1]
    assert (recovered["type"], recovered["rejoin"]) == ("stream.recovered", False)
    lifecycle.ingest_closed(live.ingests.showing().get().pk, "node_lost")
    show(live, video="VP8")
    assert told(live, "deals")[-1]["rejoin"] is True


def test_viewers_are_told_nothing_of_another_codec_before_the_show(
    stream: Stream, show: Shows
) -> None:
    show(stream)
    show(stream, video="VP8")
    assert (stream.state, told(stream, "deals")) == ("preview", [])
    assert list(findings()) == []


def test_nothing_brings_an_ended_show_back(live: Stream, connect_ingest: Shows) -> None:
    late = connect_ingest(live)
    lifecycle.end(live.pk, "host")
    assert not lifecycle.ingest_started(late.pk, "H264", "opus")
    with pytest.raises(CommandError):
        connect_ingest(live)
    with pytest.raises(CommandError) as again:
        lifecycle.end(live.pk, "host")
    assert again.value.name == "stream_state"
    live.refresh_from_db()
    assert (live.version, kinds(live).count("ended")) == (3, 1)


def test_signals_follow_the_commit_and_a_failing_receiver_is_called_again(
    stream: Stream, show: Shows
) -> None:
    heard: list[tuple[str, int]] = []
    broken = [True]

    def started(sender: object, stream: Stream, **_: object) -> None:
        if broken[0]:
            raise RuntimeError("a receiver's mistake")
        heard.append(("started", stream.pk))

    def ended(sender: object, stream: Stream, reason: str, **_: object) -> None:
        heard.append((reason, stream.pk))

    stream_started.connect(started)
    stream_ended.connect(ended)
    try:
        show(stream)
        lifecycle.go_live(stream.pk)
        lifecycle.end(stream.pk, "host")
        assert heard == []  # in order: the end is not told before the start
        broken[0] = False
        assert signalling.overdue() == []
        StreamEvent.objects.exclude(due_at=None).update(due_at=F("at"))
        deliver_signals()
        deliver_signals()
        assert heard == [("started", stream.pk), ("host", stream.pk)]
    finally:
        stream_started.disconnect(started)
        stream_ended.disconnect(ended)
    assert not StreamEvent.objects.exclude(due_at=None).exists()


def in_threads(jobs: list[Callable[[], object]]) -> None:
    """All at once; refusals are part of the game."""

    def run(job: Callable[[], object]) -> None:
        try:
            job()
        except CommandError:
            pass
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(run, jobs))


def test_an_end_a_return_a_takeover_and_a_loss_at_once_leave_one_truth(
    host: User, show: Shows, connect_ingest: Shows
) -> None:
    for turn in range(8):
        stream = Stream.objects.create(host=host, title=f"Race {turn}")
        first = show(stream)
        lifecycle.go_live(stream.pk)
        lifecycle.ingest_silent(first.pk)
        second = connect_ingest(stream)
        overdue(stream, "grace")
        jobs: list[Callable[[], object]] = [
            partial(lifecycle.ingest_resumed, first.pk),
            partial(lifecycle.ingest_started, second.pk, "H264", "opus"),
            partial(lifecycle.ingest_closed, first.pk, "node_lost"),
            partial(lifecycle.end, stream.pk, "host"),
            fire_timers,
            fire_timers,
        ]
        random.Random(turn).shuffle(jobs)
        in_threads(jobs)
        stream.refresh_from_db()
        assert stream.state == "ended"
        assert kinds(stream).count("ended") == 1
        assert not stream.ingests.running().exists()
    assert list(findings()) == []


moves = st.lists(st.tuples(st.sampled_from(range(7)), st.integers(0, 3)), max_size=12)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(moves)
def test_whatever_comes_late_doubled_or_reordered_the_audit_finds_nothing(
    host: User, connect_ingest: Shows, told: list[tuple[int, int]]
) -> None:
    stream = Stream.objects.create(host=host, title="Shuffled")
    opened = [connect_ingest(stream).pk for _ in range(4)]
    acts: list[Callable[[str], object]] = [
        lambda i: lifecycle.ingest_started(i, "H264", "opus"),
        lifecycle.ingest_silent,
        lifecycle.ingest_resumed,
        lambda i: lifecycle.ingest_closed(i, "dtls"),
        lambda _: lifecycle.go_live(stream.pk),
        lambda _: lifecycle.end(stream.pk, "host"),
        lambda _: [lifecycle.timer_due(t.pk) for t in stream.timers.all()],
    ]
    for act, which in told:
        try:
            acts[act](opened[which])
        except CommandError as refused:
            assert refused.name in ("no_media", "stream_state")
    assert list(findings()) == []
