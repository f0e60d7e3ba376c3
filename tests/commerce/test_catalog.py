"""Shops, products and the count of what they have."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.db.models.functions import Now

from commerce.actions import catalog, counting, shops
from commerce.commands.catalog import CreateShop, SaveProduct, SetProductState, SkuDraft
from commerce.commands.stock import AdjustStock, ListStock
from commerce.models import Move, Product, Sku
from realtime import db
from realtime.exceptions import CommandError
from realtime.testing import Refused
from streams.models import Stream
from tests.commerce.conftest import PRICE, Show, key
from tests.commerce.test_buying import hold
from tests.commerce.test_shelf import act, refused, told
from tests.live import Connect

pytestmark = pytest.mark.django_db(transaction=True)


def draft(show: Show, **changes: Any) -> SaveProduct:
    fields: dict[str, Any] = {
        "key": key(),
        "shop": show.shop,
        "title": "Bowl",
        "skus": [SkuDraft(code="one", prices={"CNY": 100})],
    }
    return SaveProduct(**{**fields, **changes})


def test_a_product_is_changed_only_as_it_was_seen(show: Show) -> None:
    saved = act(catalog.save_product, show.host, draft(show))
    change = {
        "product": saved.product,
        "title": "Big bowl",
        "skus": [SkuDraft(sku=saved.skus[0], code="one", prices={"CNY": 200})],
    }
    again = act(catalog.save_product, show.host, draft(show, version=1, **change))
    assert (again.product, again.version) == (saved.product, 2)
    assert Sku.objects.get(id=saved.skus[0]).prices == {"CNY": 200}
    stale = draft(show, version=1, **change)
    assert refused(catalog.save_product, show.host, stale) == (
        "conflict",
        {"version": 2},
    )
    assert refused(catalog.save_product, show.host, draft(show, **change))[0] == (
        "bad_request"
    )


def test_variants_have_prices_and_codes_of_their_own(show: Show) -> None:
    dollars = draft(show, skus=[SkuDraft(code="one", prices={"USD": 1})])
    name, facts = refused(catalog.save_product, show.host, dollars)
    assert (name, facts["currency"]) == ("currency_missing", "CNY")
    twice = draft(show, skus=[SkuDraft(code="a", prices={"CNY": 1})] * 2)
    assert refused(catalog.save_product, show.host, twice)[0] == "bad_request"
    taken = draft(
        show,
        product=show.product,
        version=1,
        skus=[SkuDraft(code="red", prices={"CNY": 1})],
    )
    assert refused(catalog.save_product, show.host, taken)[0] == "bad_request"
    foreign = draft(show, skus=[SkuDraft(sku=show.sku, code="x", prices={"CNY": 1})])
    assert refused(catalog.save_product, show.host, foreign)[0] == "bad_request"
    assert Product.objects.count() == 1


def test_strangers_change_neither_products_nor_stock(show: Show) -> None:
    stranger = show.buyer()
    assert refused(catalog.save_product, stranger, draft(show))[0] == (
        "permission_denied"
    )
    delist = SetProductState(key=key(), product=show.product, state="delisted")
    assert refused(catalog.set_product_state, stranger, delist)[0] == (
        "permission_denied"
    )
    count = AdjustStock(key=key(), sku=show.sku, delta=1, reason="gift")
    assert refused(counting.adjust_stock, stranger, count)[0] == "not_found"
    unknown = AdjustStock(key=key(), sku=10**6, delta=1, reason="gift")
    assert refused(counting.adjust_stock, stranger, unknown)[0] == "not_found"


def test_a_listed_product_is_no_draft_again(show: Show) -> None:
    command = SetProductState(key=key(), product=show.product, state="draft")
    assert refused(catalog.set_product_state, show.host, command) == (
        "wrong_state",
        {"state": "listed"},
    )


def test_a_shop_needs_a_way_to_be_paid(show: Show) -> None:
    command = CreateShop(
        key=key(), name="New", country="CN", currencies=["CNY"], methods=["gold"]
    )
    assert refused(catalog.create_shop, show.buyer(), command)[0] == "bad_request"


def test_visitors_see_what_is_listed(show: Show) -> None:
    act(catalog.save_product, show.host, draft(show))
    page = shops.shop_page(show.shop, None)
    assert [card.title for card in page.products] == ["Cup"]
    assert page.products[0].prices == {"CNY": PRICE}
    assert page.streams == [show.stream.pk]
    assert len(shops.shop_page(show.shop, show.host.pk).products) == 2


def test_a_product_s_page_says_where_it_is_on_sale(show: Show) -> None:
    page = catalog.product_page(show.product, None)
    assert [(o.stream, o.number) for o in page.offers] == [(show.stream.pk, 1)]
    assert page.skus[0].left == 10


@pytest.mark.both_databases
def test_held_units_cannot_be_counted_away(show: Show) -> None:
    command = AdjustStock(key=key(), sku=show.sku, delta=-11, reason="broken")
    assert refused(counting.adjust_stock, show.host, command) == (
        "stock_short",
        {"available": 10},
    )
    less = AdjustStock(key=key(), sku=show.sku, delta=-10, reason="broken")
    assert act(counting.adjust_stock, show.host, less).available == 0


async def test_stock_is_received_once_a_key_and_its_ledger_read_in_pages(
    show: Show, connect: Connect
) -> None:
    host = await connect(show.host.pk)
    for n in (1, 2, 3):
        command = {"key": f"k{n}", "sku": show.sku, "qty": n, "note": "truck"}
        first = await host.rpc("stock.receive", command)
        assert await host.rpc("stock.receive", command) == first
    assert first["available"] == 16
    page = await host.rpc("stock.ledger", {"sku": show.sku, "limit": 2})
    assert [move["delta"] for move in page["items"]] == [3, 2]
    rest = {"sku": show.sku, "limit": 2, "cursor": page["cursor"]}
    assert [m["delta"] for m in (await host.rpc("stock.ledger", rest))["items"]] == [
        1,
        10,
    ]
    assert await db(Move.objects.count) == 4
    with pytest.raises(Refused) as error:
        await host.rpc("stock.ledger", {"sku": show.sku, "cursor": "x"})
    assert error.value.name == "bad_request"


def test_the_ledger_pages_end(show: Show) -> None:
    ledger = counting.ledger(show.host.pk, ListStock(sku=show.sku))
    assert [move.kind for move in ledger.items] == ["receive"]
    assert ledger.cursor is None


async def test_orders_are_listed_in_pages_newest_first(
    show: Show, connect: Connect
) -> None:
    buyer = await db(show.buyer)
    me, host = await connect(buyer.pk), await connect(show.host.pk)
    placed = [await hold(me, show) for _ in range(3)]
    page = await me.rpc("order.mine", {"limit": 2})
    rest = await me.rpc("order.mine", {"limit": 2, "cursor": page["cursor"]})
    listed = [view["order"] for view in page["items"] + rest["items"]]
    assert sorted(listed) == sorted(placed)
    assert listed[0] == placed[2]
    assert rest["cursor"] is None
    theirs = await host.rpc("order.shop", {"shop": show.shop, "state": "held"})
    assert [view["buyer"] for view in theirs["items"]] == [buyer.pk] * 3
    after = theirs["items"][0]["placed_at"]
    newer = await host.rpc("order.shop", {"shop": show.shop, "after": after})
    assert newer["items"] == []
    with pytest.raises(Refused) as error:
        await me.rpc("order.shop", {"shop": show.shop})
    assert error.value.name == "permission_denied"
    with pytest.raises(Refused) as error:
        await me.rpc("order.mine", {"cursor": "zz"})
    assert error.value.name == "bad_request"


@pytest.mark.parametrize("visibility", ["private", "unlisted"])
def test_only_public_shows_are_named_to_visitors(show: Show, visibility: str) -> None:
    def named() -> tuple[list[int], list[int]]:
        offers = catalog.product_page(show.product, None).offers
        streams = shops.shop_page(show.shop, None).streams
        return [offer.stream for offer in offers], streams

    assert named() == ([show.stream.pk], [show.stream.pk])
    Stream.objects.update(visibility=visibility)
    assert named() == ([], [])


@pytest.mark.both_databases
def test_a_room_is_told_of_a_new_list_price(show: Show) -> None:
    def save(version: int, price: int, title: str) -> None:
        skus = [SkuDraft(sku=show.sku, code="red", prices={"CNY": price})]
        command = draft(
            show, product=show.product, version=version, title=title, skus=skus
        )
        act(catalog.save_product, show.host, command)

    save(1, PRICE, "Red cup")
    save(2, 5000, "Red cup")
    changes = [event for event in told(show) if event["type"] == "offer.changed"]
    assert [(e["prices"], e["list"], e["version"]) for e in changes] == [
        ({"CNY": 5000}, {"CNY": 5000}, 2)
    ]
    Stream.objects.update(state=Stream.State.ENDED, ended_at=Now())
    save(3, 4000, "Red cup")
    assert [e for e in told(show) if e["type"] == "offer.changed"] == changes


@pytest.mark.both_databases
@pytest.mark.parametrize("version", [2**31 - 1, 2**53 - 1])
def test_a_version_there_cannot_be_is_a_conflict(show: Show, version: int) -> None:
    wish = draft(show, product=show.product, version=version)
    assert refused(catalog.save_product, show.host, wish) == (
        "conflict",
        {"version": 1},
    )


@pytest.mark.both_databases
def test_two_shops_opened_at_once_are_one_and_a_refusal(show: Show) -> None:
    ann, start = show.buyer(), Barrier(4)

    def open_shop(_: int) -> str:
        connection.ensure_connection()
        start.wait(30)
        command = CreateShop(
            key=key(), name="Mine", country="CN", currencies=["CNY"], methods=["bank"]
        )
        try:
            act(catalog.create_shop, ann, command)
        except CommandError as error:
            return error.name
        finally:
            connection.close()
        return "opened"

    with ThreadPoolExecutor(4) as pool:
        told = sorted(pool.map(open_shop, range(4)))
    assert told == ["conflict"] * 3 + ["opened"]


@pytest.mark.parametrize(
    ("picture", "fine"),
    [
        ("/media/1.jpg", True),
        ("https://cdn.example/1.jpg", True),
        ("//host/1.jpg", False),
        ("/\\host/1.jpg", False),
        ("javascript:1", False),
    ],
)
def test_a_picture_is_a_path_here_or_whole(picture: str, fine: bool) -> None:
    asked = {
        "key": key(),
        "shop": 1,
        "title": "Bowl",
        "media": [picture],
        "skus": [{"code": "one", "prices": {"CNY": 1}}],
    }
    if fine:
        assert msgspec.convert(asked, SaveProduct).media == [picture]
    else:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(asked, SaveProduct)
