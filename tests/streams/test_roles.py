"""Who somebody is in a stream."""

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from realtime.exceptions import CommandError
from streams.clock import epoch_ms, media_ms
from streams.models import Role, Stream
from streams.roles import can_direct, can_moderate, can_watch, role_of, stream_at

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def host() -> User:
    return User.objects.create_user("host", name="Host")


@pytest.fixture
def friend() -> User:
    return User.objects.create_user("friend", name="Friend")


@pytest.fixture
def stream(host: User) -> Stream:
    return Stream.objects.create(host=host, title="Tea")


def test_a_host_directs_and_a_stranger_only_watches(
    host: User, friend: User, stream: Stream
) -> None:
    assert role_of(host.pk, stream) == "host"
    assert role_of(friend.pk, stream) == role_of(None, stream) == "viewer"
    assert can_direct(host.pk, stream) and not can_direct(friend.pk, stream)
    assert not can_direct(None, stream) and not can_moderate(None, stream)


def test_the_role_of_one_stream_wins_over_that_of_all(
    host: User, friend: User, stream: Stream
) -> None:
    other = Stream.objects.create(host=host, title="Cups")
    Role.objects.create(host=host, user=friend, role="moderator")
    Role.objects.create(host=host, user=friend, stream=stream, role="assistant")
    assert role_of(friend.pk, stream) == "assistant"
    assert role_of(friend.pk, other) == "moderator"
    assert can_direct(friend.pk, stream) and not can_direct(friend.pk, other)
    assert can_moderate(friend.pk, other)


def test_a_role_from_another_host_means_nothing(
    host: User, friend: User, stream: Stream
) -> None:
    Role.objects.create(host=friend, user=host, role="assistant")
    stranger = User.objects.create_user("stranger")
    Role.objects.create(host=friend, user=stranger, role="assistant")
    assert role_of(stranger.pk, stream) == "viewer"


def test_one_person_has_one_role_in_all_streams(host: User, friend: User) -> None:
    Role.objects.create(host=host, user=friend, role="moderator")
    with pytest.raises(IntegrityError), transaction.atomic():
        Role.objects.create(host=host, user=friend, role="assistant")


def test_a_private_stream_is_for_its_host_and_those_with_a_part(
    host: User, friend: User, stream: Stream
) -> None:
    assert can_watch(None, stream)
    stream.visibility = Stream.Visibility.PRIVATE
    assert can_watch(host.pk, stream)
    assert not can_watch(friend.pk, stream) and not can_watch(None, stream)
    Role.objects.create(host=host, user=friend, stream=stream, role="guest")
    assert can_watch(friend.pk, stream)
    assert role_of(friend.pk, stream) == "viewer"


@pytest.mark.parametrize("address", ["x", "-1", "0", "07", "1e3", "٣", "9" * 40])
def test_an_address_that_names_no_stream_is_not_found(address: str) -> None:
    with pytest.raises(CommandError) as refused:
        stream_at(address)
    assert refused.value.name == "not_found"


def test_a_second_spelling_of_a_stream_s_number_is_not_found(stream: Stream) -> None:
    assert stream_at(str(stream.pk)) == stream
    with pytest.raises(CommandError):
        stream_at(f"0{stream.pk}")  # it would be a second channel


def test_media_time_begins_with_the_show_and_ends_with_it(stream: Stream) -> None:
    assert media_ms(stream, 10**12) == 0
    stream.started_at = stream.created_at
    start = epoch_ms(stream.created_at)
    assert media_ms(stream, start - 5) == 0
    assert media_ms(stream, start + 1500) == 1500
