"""Leaving with a transaction."""

import msgspec
import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError
from pytest_django.fixtures import Settings

from realtime import CommandError, Event, publish_on_commit
from realtime.models import OutboxEvent
from realtime.recovery import EXEMPT, LATEST
from tests.realtime.rooms import Left, Rang


@pytest.fixture(autouse=True)
def our_rooms(settings: Settings) -> None:
    settings.SOUK_ROUTER = "tests.realtime.rooms.router"


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_can_be_published_on_commit() -> None:
    with pytest.raises(TransactionManagementError):
        publish_on_commit("deals:1", Rang(times=1))


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_leaves_no_event() -> None:
    with pytest.raises(KeyError), transaction.atomic():
        publish_on_commit("deals:1", Rang(times=1))
        raise KeyError
    assert not OutboxEvent.objects.exists()


@pytest.mark.django_db
def test_all_channels_of_an_event_are_one_row() -> None:
    publish_on_commit(["#1", "#2"], Rang(times=2), exempt=True)
    row = OutboxEvent.objects.get()
    assert row.channels == ["#1", "#2"]
    assert row.flags == EXEMPT
    assert msgspec.msgpack.decode(row.data) == {"type": "bell.rang", "times": 2}


@pytest.mark.django_db
def test_a_latest_value_is_carried_under_its_key() -> None:
    publish_on_commit("state:1", Left(offer=7, left=3, version=88))
    row = OutboxEvent.objects.get()
    assert row.flags == LATEST
    assert msgspec.msgpack.decode(row.data) == {
        "stock:7": {"offer": 7, "left": 3, "version": 88}
    }


@pytest.mark.django_db
def test_an_event_beyond_its_bound_is_refused() -> None:
    class Long(Event, frozen=True, tag="long"):
        text: str

    with pytest.raises(ValueError, match="32 KiB"):
        publish_on_commit("deals:1", Long(text="a" * 40_000))


@pytest.mark.django_db
def test_a_channel_nobody_declared_is_refused_inside_the_transaction() -> None:
    with pytest.raises(CommandError, match="unknown_channel"):
        publish_on_commit("nosuch:1", Rang(times=1))
    assert not OutboxEvent.objects.exists()
