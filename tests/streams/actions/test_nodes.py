"""Media processes in SQL: alive, dead, begun again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from realtime import CommandError
from streams.actions import ingests, nodes
from streams.actions.ingests import Publisher
from streams.actions.nodes import Room
from streams.models import Ingest, MediaNode, Stream

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

Connect = Callable[[Stream], Ingest]


def test_what_an_earlier_boot_held_is_lost(live: Stream, node: str) -> None:
    nodes.register(node, "another boot", 8443, [])
    live.refresh_from_db()
    assert (live.state, live.ingests.get().reason) == ("interrupted", "node_lost")


def test_a_beat_is_of_one_boot_only(node: str) -> None:
    assert nodes.beat(node, "boot") == "boot"
    assert nodes.beat(node, "another") == "boot"
    MediaNode.objects.all().delete()
    assert nodes.beat(node, "boot") is None


def test_only_the_silent_are_dead(live: Stream, lost_node: Callable[[], None]) -> None:
    nodes.lose_the_dead()
    assert live.ingests.get().state == "active"
    lost_node()
    nodes.lose_the_dead()
    assert live.ingests.get().reason == "node_lost"


def test_a_stream_stays_on_its_node_and_a_new_one_goes_where_least_runs(
    live: Stream, node: str, connect_ingest: Connect
) -> None:
    nodes.register("n2", "boot", 8444, [])
    assert connect_ingest(live).node == node
    other = Stream.objects.create(host=live.host, title="Cups")
    assert connect_ingest(other).node == "n2"
    nodes.drain("n2", "boot")
    assert connect_ingest(other).node == node


def test_without_a_node_nothing_is_opened(stream: Stream) -> None:
    with pytest.raises(CommandError) as refused:
        ingests.open_ingest(Publisher(stream.host_id, None, None), stream.pk, "")
    assert refused.value.name == "media_unavailable"
    assert not Ingest.objects.exists()


def test_a_refused_ingest_leaves_nothing_but_its_number(
    live: Stream, node: str, connect_ingest: Connect
) -> None:
    publisher = Publisher(live.host_id, None, None)
    opening = ingests.open_ingest(publisher, live.pk, "")
    assert (opening.generation, opening.codec) == (2, "H264")
    ingests.refused(opening)
    assert live.ingests.count() == 1
    assert connect_ingest(live).generation == 3


def test_a_node_is_told_what_it_should_hold(
    live: Stream, node: str, connect_ingest: Connect
) -> None:
    old = live.ingests.get()
    long_ago = Now() - timedelta(minutes=1)
    Ingest.objects.filter(pk=old.pk).update(created_at=long_ago)
    young = connect_ingest(live)
    ended = Stream.objects.create(
        host=live.host, title="Past", state="ended", ended_at=Now(), end_reason="host"
    )
    held = nodes.held(node, [live.pk, ended.pk])
    assert held.ingests == {old.pk, young.pk}
    assert held.settled == {old.pk}
    assert held.over == {ended.pk}
    assert held.rooms == [Room(live.pk, 0, 0, 0)]


def test_peak_and_total_never_fall(live: Stream) -> None:
    nodes.save_audience([Room(live.pk, 5, 9, 20)])
    nodes.save_audience([Room(live.pk, 2, 3, 4)])
    live.refresh_from_db()
    assert (live.viewers, live.peak, live.total) == (2, 9, 20)
