"""The shelf of a show, as asked and answered."""

from typing import Annotated

from msgspec import Meta, Struct, field

from commerce.commands.ids import (
    Number,
    OfferId,
    Prices,
    ProductId,
    SkuId,
    StreamId,
)
from realtime import Command, Mutation, Nested


class GetShelf(Command, frozen=True, tag="shelf.get"):
    stream: StreamId


class OfferDraft(Nested, frozen=True, kw_only=True):
    """A variant put on sale; without `prices` its list prices count."""

    sku: SkuId
    prices: Prices | None = None
    per_buyer: Annotated[int, Meta(ge=1, le=999)] | None = None
    hold_s: Annotated[int, Meta(ge=15, le=900)] = 300


class AddItem(Mutation, frozen=True, tag="shelf.add"):
    """Put a product on a show's shelf with at least one of its variants."""

    stream: StreamId
    product: ProductId
    offers: Annotated[list[OfferDraft], Meta(min_length=1, max_length=100)]


class RemoveItem(Mutation, frozen=True, tag="shelf.remove"):
    stream: StreamId
    number: Number


class ExplainItem(Mutation, frozen=True, tag="shelf.explain"):
    """Begin or end explaining an item. A fourth one ends the oldest."""

    stream: StreamId
    number: Number
    on: bool


class PriceOffer(Mutation, frozen=True, tag="offer.price"):
    """Give an offer this show's prices; null: the list's again."""

    offer: OfferId
    prices: Prices | None


class OfferView(Struct, frozen=True):
    """`in` says whether there is any, `left` how many, where the shop tells."""

    offer: OfferId
    sku: SkuId
    code: str
    options: dict[str, str]
    prices: dict[str, int]
    list: dict[str, int]
    """The list prices, to show what was saved."""
    per_buyer: int | None
    left: int | None
    in_stock: bool = field(name="in")
    version: int
    stock_version: int
    """To be compared with the tick's and the edges' `version`."""


class ItemView(Struct, frozen=True):
    number: int
    product: ProductId
    shop: int
    title: str
    image: str
    offers: list[OfferView]


class Position(Struct, frozen=True):
    offset: int
    epoch: str


class ShelfView(Struct, frozen=True):
    """A show's shelf. Events of `deals:` after `position` follow."""

    items: list[ItemView]
    explaining: list[int]
    """Numbers, the one begun first before the others."""
    version: int
    now: int
    position: Position


class ShelfSnapshot(Struct, frozen=True):
    """What a subscriber of `deals:` gets."""

    shelf: ShelfView


class ItemAddedReply(Struct, frozen=True):
    number: int
    offers: list[OfferId]


class ShelfVersion(Struct, frozen=True):
    version: int


class Explaining(Struct, frozen=True):
    explaining: list[int]


class OfferPriced(Struct, frozen=True):
    offer: OfferId
    version: int
