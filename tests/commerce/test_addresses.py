"""A buyer's addresses are their own, few, and one of them is the default."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from accounts.models import User
from commerce.actions import addresses
from commerce.commands.quotes import DropAddress, SaveAddress
from commerce.models import Address
from realtime import db
from realtime.exceptions import CommandError
from realtime.testing import Refused
from tests.commerce.conftest import Show, key
from tests.commerce.fulfilling import home
from tests.live import Connect

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def ann(transactional_db: None) -> User:
    return User.objects.create(username="ann", name="Ann")


def drop(user: User, address: int) -> None:
    with transaction.atomic():
        addresses.drop_address(user.pk, DropAddress(key=key(), address=address))


def listed(user: User) -> list[tuple[int, bool]]:
    return [(a.address, a.is_default) for a in addresses.addresses(user.pk).items]


def test_the_first_address_is_the_default_until_another_is(ann: User) -> None:
    first, second = home(ann), home(ann, "DE")
    assert listed(ann) == [(first, True), (second, False)]
    third = home(ann, is_default=True)
    assert listed(ann) == [(third, True), (first, False), (second, False)]


def test_without_the_default_the_oldest_is_it(ann: User) -> None:
    first, second, third = home(ann), home(ann), home(ann)
    drop(ann, third)
    drop(ann, first)
    assert listed(ann) == [(second, True)]
    drop(ann, second)
    assert listed(ann) == []
    assert listed(ann) == [] and Address.objects.count() == 0


def test_an_address_is_changed_in_place(ann: User) -> None:
    kept = home(ann)
    assert home(ann, "DE", address=kept) == kept
    (view,) = addresses.addresses(ann.pk).items
    assert (view.country, view.is_default) == ("DE", True)


def test_anothers_address_is_not_there(ann: User) -> None:
    bo = User.objects.create(username="bo")
    theirs = home(bo)
    with pytest.raises(CommandError, match="not_found"):
        drop(ann, theirs)
    with pytest.raises(CommandError, match="not_found"):
        home(ann, address=theirs)
    assert listed(bo) == [(theirs, True)]


def test_nobody_keeps_more_than_twenty_even_at_once(ann: User) -> None:
    for _ in range(17):
        home(ann)

    def save(_: int) -> bool:
        try:
            home(ann)
        except CommandError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        kept = list(pool.map(save, range(6)))
    assert sum(kept) == 3
    assert Address.objects.filter(user=ann).count() == addresses.MOST


async def test_the_socket_takes_lines_of_text_and_nothing_else(
    show: Show, connect: Connect
) -> None:
    me = await connect((await db(show.buyer)).pk)
    good = {"name": "Ann", "phone": "+49 30 1234", "country": "DE", "line": "Weg 1"}
    command = {"key": key(), **good}
    kept = await me.rpc("address.save", command)
    assert await me.rpc("address.save", command) == kept
    listed = await me.rpc("address.list", {})
    assert [item["address"] for item in listed["items"]] == [kept["address"]]
    for wrong in (
        {"country": "de"},
        {"phone": "call me"},
        {"line": ""},
        {"line": "a\nb"},
        {"name": "x" * 61},
        {"city": "Berlin"},
    ):
        with pytest.raises(Refused) as refused:
            await me.rpc("address.save", {"key": key(), **good, **wrong})
        assert refused.value.name == "bad_request"
    assert await me.rpc("address.drop", {"key": key(), **kept}) == {}


def test_save_reads_as_it_is_written() -> None:
    command = SaveAddress(key="k", name="A", phone="123", country="CN", line="x")
    assert command.region == "" and command.is_default is False
