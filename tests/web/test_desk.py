"""The shop's desk as a document, and what it counts."""

import uuid

import pytest
from django.test import Client

from accounts.models import User
from commerce.models import AfterSale, Order, Shop, ShopMember

pytestmark = pytest.mark.django_db


@pytest.fixture
def noor() -> User:
    return User.objects.create_user("noor")


@pytest.fixture
def shop(noor: User) -> Shop:
    made = Shop.objects.create(
        account=noor, name="Glazes", country="CN", currencies=["CNY"], methods=["bank"]
    )
    ShopMember.objects.create(shop=made, user=noor, role="owner")
    return made


def order(shop: Shop, state: str) -> Order:
    buyer, _ = User.objects.get_or_create(username="ada")
    return Order.objects.create(
        shop=shop,
        buyer=buyer,
        key=uuid.uuid4().hex,
        digest=b"",
        state=state,
        currency="CNY",
        goods=100,
        via_kind="stream",
        via_id=1,
        placed_at=1,
        hold_until=2,
    )


def counts(client: Client, shop: Shop) -> dict[str, object]:
    found: dict[str, object] = client.get(f"/shops/{shop.pk}/counts").json()
    return found


def test_the_desk_is_there_for_the_shop_s_staff_alone(
    client: Client, noor: User, shop: Shop
) -> None:
    page = f"/shops/{shop.pk}/orders"
    some = f"{page}/{order(shop, 'paid').pk}"
    assert client.get(page).status_code == 302

    client.force_login(User.objects.create_user("stranger"))
    for address in (page, some, f"/shops/{shop.pk}/counts", "/shops/999/orders"):
        assert client.get(address).status_code == 404, address

    client.force_login(noor)
    assert "Glazes" in client.get(page).content.decode()
    assert 'order="' in client.get(some).content.decode()


def test_the_desk_counts_orders_by_state_and_names_open_after_sales(
    client: Client, noor: User, shop: Shop
) -> None:
    client.force_login(noor)
    order(shop, "paid")
    order(shop, "paid")
    sent, calm = order(shop, "shipped"), order(shop, "received")
    for of, state in ((sent, "asked"), (calm, "done")):
        AfterSale.objects.create(
            order=of, kind="refund", lines=[], reason="x", state=state, at=1
        )

    told = counts(client, shop)

    assert told["states"] == {"paid": 2, "shipped": 1, "received": 1}
    assert told["aftersales"] == [str(sent.pk)]


def test_the_desk_s_mark_is_another_one_after_any_change(
    client: Client, noor: User, shop: Shop
) -> None:
    client.force_login(noor)
    one = order(shop, "paid")
    marks = [counts(client, shop)["newest"]]
    assert counts(client, shop)["newest"] == marks[0]

    Order.objects.filter(pk=one.pk).update(state="packed", version=1)
    marks.append(counts(client, shop)["newest"])
    wish = AfterSale.objects.create(
        order=one, kind="refund", lines=[], reason="x", state="asked", at=1
    )
    marks.append(counts(client, shop)["newest"])
    AfterSale.objects.filter(pk=wish.pk).update(state="refused", version=1)
    marks.append(counts(client, shop)["newest"])
    order(shop, "held")
    marks.append(counts(client, shop)["newest"])

    assert len(set(marks)) == len(marks)
