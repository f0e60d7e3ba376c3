"""What strangers must not learn of is not there for them, whatever they ask."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from commerce.actions import catalog, sales, shelf
from commerce.commands.catalog import SetProductState
from commerce.commands.shelf import (
    AddItem,
    ExplainItem,
    OfferDraft,
    PriceOffer,
    RemoveItem,
)
from commerce.models import Product
from commerce.teller import Tellers
from realtime import db
from realtime.exceptions import CommandError
from streams.models import Stream
from tests.commerce.conftest import Show, key, open_show
from tests.commerce.test_shelf import refused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

Ask = Callable[[Show, User], Any]


def private() -> None:
    Stream.objects.update(visibility=Stream.Visibility.PRIVATE)


def insight(show: Show, stranger: User, **_: Any) -> str:
    with pytest.raises(CommandError) as refusal:
        sales.stream_insight(stranger.pk, show.stream.pk)
    return refusal.value.name


ON_A_SHOW: dict[str, Ask] = {
    "shelf.add": lambda show, stranger: refused(
        shelf.add_item,
        stranger,
        AddItem(
            key=key(),
            stream=show.stream.pk,
            product=show.product,
            offers=[OfferDraft(sku=show.sku)],
        ),
    )[0],
    "shelf.remove": lambda show, stranger: refused(
        shelf.remove_item,
        stranger,
        RemoveItem(key=key(), stream=show.stream.pk, number=show.number),
    )[0],
    "shelf.explain": lambda show, stranger: refused(
        shelf.explain_item,
        stranger,
        ExplainItem(key=key(), stream=show.stream.pk, number=show.number, on=True),
    )[0],
    "offer.price": lambda show, stranger: refused(
        shelf.price_offer,
        stranger,
        PriceOffer(key=key(), offer=show.offer, prices=None),
    )[0],
    "insight.stream": insight,
}


@pytest.mark.parametrize("method", ON_A_SHOW)
def test_a_private_show_is_not_there_for_strangers(show: Show, method: str) -> None:
    stranger = show.buyer()
    assert ON_A_SHOW[method](show, stranger) == "permission_denied"
    private()
    assert ON_A_SHOW[method](show, stranger) == "not_found"


@pytest.mark.parametrize("state", ["draft", "delisted"])
def test_a_product_that_is_not_listed_is_not_there_for_strangers(
    show: Show, state: str
) -> None:
    Product.objects.update(state=state)
    stranger = show.buyer()
    hers = Stream.objects.create(host=stranger, title="Mine")
    put = SetProductState(key=key(), product=show.product, state="listed")
    assert refused(catalog.set_product_state, stranger, put)[0] == "not_found"
    draft = [OfferDraft(sku=show.sku)]
    add = AddItem(key=key(), stream=hers.pk, product=show.product, offers=draft)
    assert refused(shelf.add_item, stranger, add)[0] == "not_found"


async def test_a_sold_out_offer_of_a_private_show_is_not_there_either(
    transactional_db: None,
) -> None:
    show = await db(open_show, left=1)
    await db(private)
    office = Tellers()
    await office.submit(show.wish(show.host))
    assert office._tellers[show.stock].empty_until > 0
    office._tellers[show.stock].empty_until += 60
    people = await db(show.buyers, 3)
    told = await asyncio.gather(
        *(office.submit(show.wish(one)) for one in people), return_exceptions=True
    )
    assert {error.name for error in told if isinstance(error, CommandError)} == {
        "not_found"
    }
    with pytest.raises(CommandError) as guest:
        await office.submit(show.wish(show.host))
    assert guest.value.name == "sold_out"
