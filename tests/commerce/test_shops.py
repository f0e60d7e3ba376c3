"""A shop's settings and its people, changed by those who may."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from commerce.actions import shops
from commerce.commands.shops import Fee, Role, SetMember, UpdateShop
from commerce.models import Shop, ShopMember
from realtime import db
from realtime.exceptions import CommandError
from realtime.testing import Refused
from tests.commerce.conftest import Show, key
from tests.live import Connect

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def update(show: Show, user: User, **fields: Any) -> None:
    command = UpdateShop(key=key(), shop=show.shop, **fields)
    with transaction.atomic():
        shops.update_shop(user.pk, command)


def member(show: Show, by: User, user: User, role: Role | None) -> dict[int, str]:
    command = SetMember(key=key(), shop=show.shop, user=user.pk, role=role)
    with transaction.atomic():
        found = shops.set_member(by.pk, command)
    return {one.user: one.role for one in found.members}


def refusal(act: Any, *arguments: Any, **fields: Any) -> tuple[str, dict[str, Any]]:
    with pytest.raises(CommandError) as error:
        act(*arguments, **fields)
    return error.value.name, error.value.data


def test_only_what_is_named_changes(show: Show) -> None:
    fees = {"CN": Fee(fee={"CNY": 800}, free_over={"CNY": 9900})}
    update(show, show.host, shipping=fees)
    update(show, show.host, name=" Tea & Co ", state="closed")
    shop = shops.shop_page(show.shop, None).shop
    assert (shop.name, shop.state, shop.methods) == ("Tea & Co", "closed", ["bank"])
    assert shop.shipping == fees
    update(show, show.host, shipping={})
    assert Shop.objects.get().shipping == {}


def test_a_fee_is_known_in_each_currency(show: Show) -> None:
    wrong = {"CN": Fee(fee={"USD": 100})}
    name, facts = refusal(update, show, show.host, shipping=wrong)
    assert name == "currency_missing"
    assert facts == {"currency": "CNY", "path": "$.shipping.CN.fee"}


def test_a_new_currency_needs_its_prices(show: Show) -> None:
    name, facts = refusal(update, show, show.host, currencies=["CNY", "USD"])
    assert (name, facts["currency"]) == ("currency_missing", "USD")
    assert Shop.objects.get().currencies == ["CNY"]


def test_a_way_to_pay_must_be_offered_here(show: Show) -> None:
    assert refusal(update, show, show.host, methods=["barter"])[0] == "bad_request"


def test_clerks_and_strangers_change_nothing(show: Show) -> None:
    clerk, stranger = show.buyers(2)
    member(show, show.host, clerk, "clerk")
    for person in (clerk, stranger):
        assert refusal(update, show, person, name="Mine")[0] == "permission_denied"
        assert refusal(member, show, person, person, "owner")[0] == "permission_denied"


def test_the_owner_gives_and_takes_roles(show: Show) -> None:
    ann = show.buyer()
    assert member(show, show.host, ann, "manager")[ann.pk] == "manager"
    update(show, ann, name="Ann's")
    assert refusal(member, show, ann, ann, "owner")[0] == "permission_denied"
    assert member(show, show.host, ann, "clerk")[ann.pk] == "clerk"
    assert member(show, show.host, ann, None) == {show.host.pk: "owner"}


def test_a_shop_is_never_without_an_owner(show: Show) -> None:
    assert refusal(member, show, show.host, show.host, None)[0] == "conflict"
    assert refusal(member, show, show.host, show.host, "clerk")[0] == "conflict"
    nobody = User(pk=10**9)
    assert refusal(member, show, show.host, nobody, "clerk")[0] == "not_found"


def test_two_owners_who_leave_at_once_leave_one(show: Show) -> None:
    ann = show.buyer()
    member(show, show.host, ann, "owner")

    def leave(user: User) -> str:
        try:
            member(show, user, user, None)
        except CommandError as error:
            return error.name
        finally:
            connection.close()
        return "left"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, [ann, show.host])) == ["conflict", "left"]
    assert ShopMember.objects.filter(role="owner").count() == 1


async def test_a_shop_is_opened_with_its_fees(connect: Connect) -> None:
    ann = await db(User.objects.create, username="ann")
    me = await connect(ann.pk)
    shop = {
        "name": "Tea",
        "country": "CN",
        "currencies": ["CNY"],
        "methods": ["bank"],
        "shipping": {"CN": {"fee": {"CNY": 0}}},
    }
    cases: list[dict[str, Any]] = [
        {"cn": {"fee": {"CNY": 1}}},
        {"CN": {"fee": {}}},
        {"CN": {"fee": {"CNY": -1}}},
        {"CN": {"fee": {"CNY": 1}, "days": 3}},
    ]
    for wrong in cases:
        with pytest.raises(Refused) as error:
            await me.rpc("shop.create", {"key": key(), **shop, "shipping": wrong})
        assert error.value.name == "bad_request"
    made = await me.rpc("shop.create", {"key": key(), **shop})
    page = await me.rpc("shop.get", {"shop": made["shop"]})
    assert page["shop"]["shipping"] == {"CN": {"fee": {"CNY": 0}}}
