"""Each invariant broken by hand: the audit names it and the stream."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from realtime.models import OutboxEvent
from streams.actions import lifecycle
from streams.audit import findings
from streams.models import Ingest, Stream, StreamEvent, Timer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def rules() -> list[str]:
    return [finding.rule for finding in findings()]


def test_a_show_as_it_should_be_has_no_findings(live: Stream) -> None:
    assert rules() == []
    lifecycle.end(live.pk, "host")
    assert rules() == []
    call_command("audit_streams")


def test_a_hole_in_the_history_is_found(live: Stream) -> None:
    live.history.filter(seq=1).delete()
    assert rules() == ["N1"]


def test_a_state_its_history_does_not_lead_to_is_found(live: Stream) -> None:
    Stream.objects.filter(pk=live.pk).update(state="interrupted")
    assert rules() == ["N1"]


def test_an_event_that_was_never_told_is_found(live: Stream) -> None:
    OutboxEvent.objects.filter(channels=[f"deals:{live.pk}"]).delete()
    assert rules() == ["N1"]


def test_a_picture_of_an_older_generation_is_found(live: Stream) -> None:
    Stream.objects.filter(pk=live.pk).update(generation=2, last_generation=2)
    assert rules() == ["N2"]


def test_an_ingest_that_outlives_its_show_is_found(live: Stream) -> None:
    lifecycle.end(live.pk, "host")
    long_ago = Now() - timedelta(minutes=1)
    Stream.objects.filter(pk=live.pk).update(ended_at=long_ago)
    Ingest.objects.update(state="connecting", closed_at=None)
    assert rules() == ["N2"]


def test_a_second_end_and_an_end_without_a_reason_are_found(live: Stream) -> None:
    lifecycle.end(live.pk, "host")
    Stream.objects.filter(pk=live.pk).update(end_reason="")
    assert rules() == ["N3"]
    Stream.objects.filter(pk=live.pk).update(end_reason="host")
    live.history.filter(kind="started").update(kind="ended")
    assert rules() == ["N3"]


def test_a_timer_and_a_signal_that_nobody_swept_are_found(live: Stream) -> None:
    long_ago = Now() - timedelta(minutes=1)
    Timer.objects.update(due_at=long_ago)
    StreamEvent.objects.filter(kind="started").update(due_at=long_ago)
    assert rules() == ["N4", "N4"]


def test_the_command_exits_by_what_it_found(
    live: Stream, show: Callable[[Stream], Ingest]
) -> None:
    Timer.objects.update(due_at=Now() - timedelta(minutes=1))
    out = StringIO()
    with pytest.raises(SystemExit) as found:
        call_command("audit_streams", "--json", stdout=out)
    assert found.value.code == 1
    assert out.getvalue().startswith('{"rule":"N4"')
    call_command("audit_streams", "--only", "N1,N2")
