"""The shelf of a show, and what the room is told of it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from django.db import connection, transaction

from accounts.models import User
from commerce.actions import catalog, shelf, standing
from commerce.commands.catalog import (
    CreateShop,
    SaveProduct,
    SetProductState,
    SkuDraft,
)
from commerce.commands.shelf import (
    AddItem,
    ExplainItem,
    OfferDraft,
    PriceOffer,
    RemoveItem,
)
from commerce.models import Offer, Product, Shelf, ShelfEvent, ShelfItem
from realtime import db
from realtime.exceptions import CommandError
from realtime.models import OutboxEvent
from realtime.testing import Refused
from streams.models import Stream
from streams.signals import stream_ended
from tests.commerce.conftest import PRICE, Show, key
from tests.live import Connect

pytestmark = pytest.mark.django_db(transaction=True)


def act(fn: Callable[..., Any], user: User, command: Any) -> Any:
    with transaction.atomic():
        return fn(user.pk, command)


def refused(fn: Callable[..., Any], user: User, command: Any) -> tuple[str, Any]:
    with pytest.raises(CommandError) as error:
        act(fn, user, command)
    return error.value.name, error.value.data


def product(show: Show, title: str = "Bowl") -> tuple[int, int]:
    """Another listed product of the show's shop, and its one variant."""
    saved = act(
        catalog.save_product,
        show.host,
        SaveProduct(
            key=key(),
            shop=show.shop,
            title=title,
            skus=[SkuDraft(code="one", prices={"CNY": 100})],
        ),
    )
    act(
        catalog.set_product_state,
        show.host,
        SetProductState(key=key(), product=saved.product, state="listed"),
    )
    return saved.product, saved.skus[0]


def add(show: Show, of: tuple[int, int]) -> int:
    command = AddItem(
        key=key(), stream=show.stream.pk, product=of[0], offers=[OfferDraft(sku=of[1])]
    )
    return int(act(shelf.add_item, show.host, command).number)


def explain(show: Show, number: int, on: bool = True) -> list[int]:
    command = ExplainItem(key=key(), stream=show.stream.pk, number=number, on=on)
    numbers: list[int] = act(shelf.explain_item, show.host, command).explaining
    return numbers


def told(show: Show) -> list[dict[str, Any]]:
    rows = OutboxEvent.objects.filter(channels=[f"deals:{show.stream.pk}"])
    return [msgspec.msgpack.decode(bytes(row.data)) for row in rows.order_by("id")]


def assert_each_is_newer(show: Show) -> None:
    """Consumers drop an event whose version is not newer than the one before."""
    versions = [e["version"] for e in told(show) if e["type"].startswith("item.")]
    assert versions == sorted(set(versions))
    assert versions[-1] == Shelf.objects.get(stream=show.stream).version


@pytest.mark.both_databases
def test_an_item_is_shown_with_its_offers_and_its_event(show: Show) -> None:
    event = told(show)[0]
    assert event["type"] == "item.added"
    assert event["version"] == Shelf.objects.get().version == 1
    offer = event["item"]["offers"][0]
    assert offer["prices"] == offer["list"] == {"CNY": PRICE}
    assert (offer["left"], offer["in"]) == (10, True)
    found = standing.Standing(show.stream.pk, None)
    assert msgspec.to_builtins(found.items) == [event["item"]]


def test_a_number_is_never_given_twice(show: Show) -> None:
    second = add(show, product(show))
    act(
        shelf.remove_item,
        show.host,
        RemoveItem(key=key(), stream=show.stream.pk, number=second),
    )
    third = add(show, product(show, "Plate"))
    assert [show.number, second, third] == [1, 2, 3]
    assert [i.number for i in standing.Standing(show.stream.pk, None).items] == [1, 3]


@pytest.mark.both_databases
def test_two_who_add_at_once_get_numbers_of_their_own(show: Show) -> None:
    products = [product(show, f"Bowl {n}") for n in range(4)]
    start = threading.Barrier(4)

    def one(of: tuple[int, int]) -> int:
        try:
            start.wait(10)
            return add(show, of)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(one, products))
    assert sorted(numbers) == [2, 3, 4, 5]
    assert Shelf.objects.get().version == 5


def test_only_its_directors_change_a_shelf(show: Show) -> None:
    stranger = show.buyer()
    for fn, command in (
        (
            shelf.add_item,
            AddItem(
                key=key(),
                stream=show.stream.pk,
                product=show.product,
                offers=[OfferDraft(sku=show.sku)],
            ),
        ),
        (
            shelf.remove_item,
            RemoveItem(key=key(), stream=show.stream.pk, number=show.number),
        ),
        (
            shelf.explain_item,
            ExplainItem(key=key(), stream=show.stream.pk, number=1, on=True),
        ),
        (shelf.price_offer, PriceOffer(key=key(), offer=show.offer, prices=None)),
    ):
        assert refused(fn, stranger, command)[0] == "permission_denied"
    assert ShelfEvent.objects.count() == 1


def test_a_stranger_s_product_is_not_picked(show: Show) -> None:
    other = User.objects.create(username="other", name="Lin")
    stream = Stream.objects.create(host=other, title="Mine")
    command = AddItem(
        key=key(),
        stream=stream.pk,
        product=show.product,
        offers=[OfferDraft(sku=show.sku)],
    )
    assert refused(shelf.add_item, other, command) == (
        "not_picked",
        {"product": show.product},
    )


def test_a_variant_stands_on_a_shelf_once(show: Show) -> None:
    command = AddItem(
        key=key(),
        stream=show.stream.pk,
        product=show.product,
        offers=[OfferDraft(sku=show.sku)],
    )
    assert refused(shelf.add_item, show.host, command)[0] == "conflict"
    assert ShelfItem.objects.count() == 1


def test_a_draft_or_a_foreign_variant_is_not_shelved(show: Show) -> None:
    other, sku = product(show)
    foreign = AddItem(
        key=key(),
        stream=show.stream.pk,
        product=other,
        offers=[OfferDraft(sku=show.sku)],
    )
    assert refused(shelf.add_item, show.host, foreign)[0] == "bad_request"
    Product.objects.filter(id=other).update(state="draft")
    draft = AddItem(
        key=key(), stream=show.stream.pk, product=other, offers=[OfferDraft(sku=sku)]
    )
    assert refused(shelf.add_item, show.host, draft) == (
        "wrong_state",
        {"state": "draft"},
    )


def test_a_fourth_item_explained_ends_the_oldest(show: Show) -> None:
    numbers = [show.number] + [add(show, product(show, f"Bowl {n}")) for n in range(3)]
    for number in numbers[:3]:
        explain(show, number)
    assert explain(show, numbers[3]) == numbers[1:]
    assert explain(show, numbers[3]) == numbers[1:]
    assert explain(show, numbers[1], on=False) == numbers[2:]
    last = [e for e in told(show) if e["type"] == "item.explained"][-1]
    assert (last["number"], last["on"]) == (numbers[1], False)
    assert last["explaining"] == numbers[2:]
    assert_each_is_newer(show)


def test_removing_what_is_explained_ends_both(show: Show) -> None:
    explain(show, show.number)
    command = RemoveItem(key=key(), stream=show.stream.pk, number=show.number)
    act(shelf.remove_item, show.host, command)
    assert [e["type"] for e in told(show)][-2:] == ["item.explained", "item.removed"]
    assert_each_is_newer(show)
    assert standing.explaining(show.stream.pk) == []
    assert Offer.objects.get().state == "closed"
    assert refused(shelf.remove_item, show.host, command)[0] == "not_found"


def test_the_log_has_the_moment_of_the_picture(show: Show) -> None:
    explain(show, show.number)
    event = ShelfEvent.objects.get(kind="explained")
    assert 0 <= event.offset_ms < 60_000
    assert event.by == show.host


def test_a_show_that_ends_explains_nothing_any_more(show: Show) -> None:
    explain(show, show.number)
    explain(show, add(show, product(show)))
    for _ in range(2):
        stream_ended.send(sender=Stream, stream=show.stream, reason="host")
    assert standing.explaining(show.stream.pk) == []
    ended = [e for e in told(show) if e["type"] == "item.explained" and not e["on"]]
    assert [event["explaining"] for event in ended] == [[2], []]
    assert_each_is_newer(show)


def test_a_price_returns_to_the_list_s(show: Show) -> None:
    for prices in ({"CNY": 5000}, None):
        command = PriceOffer(key=key(), offer=show.offer, prices=prices)
        act(shelf.price_offer, show.host, command)
    changes = [e for e in told(show) if e["type"] == "offer.changed"]
    assert [e["prices"]["CNY"] for e in changes] == [5000, PRICE]
    assert [e["version"] for e in changes] == [2, 3]
    dollars = PriceOffer(key=key(), offer=show.offer, prices={"USD": 1})
    assert refused(shelf.price_offer, show.host, dollars) == (
        "currency_missing",
        {"currency": "CNY"},
    )


def test_a_full_shelf_takes_no_more(show: Show) -> None:
    ShelfItem.objects.bulk_create(
        ShelfItem(stream=show.stream, number=n, product_id=show.product, position=n)
        for n in range(2, shelf.ITEMS + 1)
    )
    bowl, sku = product(show)
    command = AddItem(
        key=key(), stream=show.stream.pk, product=bowl, offers=[OfferDraft(sku=sku)]
    )
    assert refused(shelf.add_item, show.host, command) == (
        "shelf_full",
        {"max": shelf.ITEMS},
    )


async def test_shelf_commands_pass_over_the_socket(
    show: Show, connect: Connect
) -> None:
    host, viewer = await connect(show.host.pk), await connect()
    seen = await viewer.subscribe(f"deals:{show.stream.pk}")
    assert seen["data"]["shelf"]["explaining"] == []
    of = {"stream": show.stream.pk, "number": show.number}
    command = {"key": key(), **of, "on": True}
    assert await host.rpc("shelf.explain", command) == {"explaining": [show.number]}
    assert await host.rpc("shelf.explain", command) == {"explaining": [show.number]}
    event = await viewer.push(type="item.explained")
    assert (event["number"], event["explaining"]) == (show.number, [show.number])
    late = await (await connect()).subscribe(f"deals:{show.stream.pk}")
    assert late["data"]["shelf"]["explaining"] == [show.number]
    assert late["data"]["shelf"]["position"]["offset"] >= 1
    price = {"key": key(), "offer": show.offer, "prices": {"CNY": 8800}}
    await host.rpc("offer.price", price)
    assert (await viewer.push(type="offer.changed"))["prices"] == {"CNY": 8800}
    await host.rpc("shelf.remove", {"key": key(), **of})
    assert (await viewer.push(type="item.removed"))["number"] == show.number
    shelf_now = await viewer.rpc("shelf.get", {"stream": show.stream.pk})
    assert shelf_now["items"] == []


async def test_a_private_show_s_shelf_is_not_there_for_strangers(
    show: Show, connect: Connect
) -> None:
    await db(lambda: Stream.objects.update(visibility="private"))
    with pytest.raises(Refused) as error:
        await (await connect()).rpc("shelf.get", {"stream": show.stream.pk})
    assert error.value.name == "not_found"
    host = await connect(show.host.pk)
    assert (await host.rpc("shelf.get", {"stream": show.stream.pk}))["items"]


def test_a_shop_is_opened_once(show: Show) -> None:
    command = CreateShop(
        key=key(), name="More", country="CN", currencies=["CNY"], methods=["bank"]
    )
    assert refused(catalog.create_shop, show.host, command)[0] == "conflict"
