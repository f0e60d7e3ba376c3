"""One key, one effect, one answer."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import msgspec
import pytest
from django.db import connection
from msgspec import Struct

from realtime import Mutation, Nested, digest_of, once
from realtime.exceptions import CONFLICT, KEY_REUSED, CommandError
from realtime.models import Answered, OutboxEvent


class Take(Mutation, frozen=True, tag="thing.take"):
    thing: int


class Taken(Struct, frozen=True):
    thing: int
    nth: int


def take(thing: int) -> Taken:
    """Something that leaves a row behind, so that a second effect would show."""
    OutboxEvent.objects.create(channels=[], data=b"")
    return Taken(thing, OutboxEvent.objects.count())


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_one_key_fifty_times_at_once_is_one_act_and_one_answer() -> None:
    start = Barrier(50)

    def send(_: int) -> Taken:
        try:
            start.wait()
            return once(7, Take(key="k", thing=3), Taken, lambda: take(3))
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as people:
        answers = list(people.map(send, range(50)))
    assert answers == [Taken(3, 1)] * 50
    assert Answered.objects.count() == 1


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_the_same_key_with_another_body_is_refused_and_changes_nothing() -> None:
    once(7, Take(key="k", thing=3), Taken, lambda: take(3))
    with pytest.raises(CommandError) as refusal:
        once(7, Take(key="k", thing=4), Taken, lambda: take(4))
    assert refusal.value.code == KEY_REUSED.code
    assert refusal.value.data == {"method": "thing.take"}
    assert OutboxEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_keys_of_two_people_do_not_meet() -> None:
    mine = once(7, Take(key="k", thing=3), Taken, lambda: take(3))
    theirs = once(8, Take(key="k", thing=4), Taken, lambda: take(4))
    assert (mine.thing, theirs.thing) == (3, 4)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_refusal_leaves_no_row_and_may_be_allowed_later() -> None:
    def refuse() -> Taken:
        take(3)
        raise CONFLICT()

    with pytest.raises(CommandError):
        once(7, Take(key="k", thing=3), Taken, refuse)
    assert not Answered.objects.exists()
    assert not OutboxEvent.objects.exists()
    assert once(7, Take(key="k", thing=3), Taken, lambda: take(3)) == Taken(3, 1)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_refusal_that_the_same_key_caused_is_answered_by_that_success() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one writer at a time: nobody can succeed beside us")
    command = Take(key="k", thing=3)

    def elsewhere() -> Taken:
        try:
            return once(7, command, Taken, lambda: take(3))
        finally:
            connection.close()

    def the_last_one_goes_while_we_wait() -> Taken:
        with ThreadPoolExecutor(1) as other:
            other.submit(elsewhere).result()
        raise CONFLICT()

    answer = once(7, command, Taken, the_last_one_goes_while_we_wait)
    assert answer == Taken(3, 1)


@pytest.mark.parametrize("key", ["", "a:b", "a" * 65, "a\n", "a" * 64 + "\n"])
def test_a_key_is_64_plain_characters_and_no_line_feed(key: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "thing.take", "key": key, "thing": 3}, Take)


def test_a_field_added_later_changes_no_digest_of_before() -> None:
    class Size(Nested, frozen=True):
        cm: int

    class LaterSize(Nested, frozen=True):
        cm: int
        tall: bool = False

    class Box(Mutation, frozen=True, tag="box.take"):
        size: Size

    class LaterBox(Mutation, frozen=True, tag="box.take"):
        size: LaterSize
        colour: str = ""

    before = digest_of(Box(key="k", size=Size(cm=3)))
    assert digest_of(LaterBox(key="k", size=LaterSize(cm=3))) == before
    tall = LaterBox(key="k", size=LaterSize(cm=3, tall=True))
    assert digest_of(tall) != before
