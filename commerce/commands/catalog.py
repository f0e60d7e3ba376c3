"""Shops and products, as asked and answered."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from commerce.commands.ids import (
    NO_NUL,
    SAYS,
    Country,
    OfferId,
    Prices,
    ProductId,
    ShopId,
    SkuId,
    Whole,
)
from commerce.commands.shops import Currencies, Methods, Shipping, ShopName
from realtime import Command, Mutation, Nested

Title = Annotated[str, Meta(max_length=80, pattern=SAYS)]
Address = Annotated[
    str,
    Meta(max_length=500, pattern=r"^(https?://|/(?![/\\]))[^\s\x00]*$(?![\s\S])"),
]
"""Of a picture: a path here, or whole. `//host` would be neither."""
Option = Annotated[str, Meta(min_length=1, max_length=40, pattern=NO_NUL)]


class CreateShop(Mutation, frozen=True, tag="shop.create"):
    name: ShopName
    country: Country
    currencies: Currencies
    methods: Methods
    shipping: Shipping = {}


class GetShop(Command, frozen=True, tag="shop.get"):
    shop: ShopId


class PartDraft(Nested, frozen=True, kw_only=True):
    """So many units of a variant in each bundle."""

    sku: SkuId
    qty: Annotated[int, Meta(ge=1, le=99)]


class SkuDraft(Nested, frozen=True, kw_only=True):
    """A variant as its shop writes it; `sku` names one that exists.

    With `parts` it is a bundle, counted by them, from its first day: they never change.
    """

    sku: SkuId | None = None
    code: Annotated[str, Meta(max_length=40, pattern=SAYS)]
    options: Annotated[dict[Option, Option], Meta(max_length=10)] = {}
    prices: Prices
    show_stock: Literal["exact", "low", "hidden"] = "exact"
    parts: Annotated[list[PartDraft], Meta(min_length=1, max_length=20)] | None = None
    """Null for one that exists: as they are."""


class SaveProduct(Mutation, frozen=True, kw_only=True, tag="product.save"):
    """Make a product, or with `product` and its `version` change it."""

    shop: ShopId
    product: ProductId | None = None
    version: Whole | None = None
    title: Title
    text: Annotated[str, Meta(max_length=5000, pattern=NO_NUL)] = ""
    media: Annotated[list[Address], Meta(max_length=10)] = []
    category: Annotated[str, Meta(max_length=40, pattern=NO_NUL)] = ""
    ships_to: Annotated[list[Country], Meta(max_length=250)] = []
    """Empty: wherever the shop ships."""
    cross_border: bool = False
    """It comes over a border wherever it goes, and is taxed so."""
    skus: Annotated[list[SkuDraft], Meta(min_length=1, max_length=100)]


class SetProductState(Mutation, frozen=True, tag="product.state"):
    product: ProductId
    state: Literal["draft", "listed", "delisted"]


class GetProduct(Command, frozen=True, tag="product.get"):
    product: ProductId


class ShopView(Struct, frozen=True):
    shop: ShopId
    account: int
    """The user through whom the shop is followed and written to."""
    name: str
    country: str
    currencies: list[str]
    methods: list[str]
    shipping: Shipping
    state: str


class ShopCreated(Struct, frozen=True):
    shop: ShopId


class ProductCard(Struct, frozen=True):
    """A product in one line; `prices` are the lowest of its variants."""

    product: ProductId
    title: str
    image: str
    state: str
    prices: dict[str, int]


class ShopPage(Struct, frozen=True):
    shop: ShopView
    products: list[ProductCard]
    streams: list[int]
    """Its account's public shows that are on."""
    followers: int


class PartView(Struct, frozen=True):
    sku: SkuId
    qty: int
    title: str
    options: dict[str, str]


class SkuView(Struct, frozen=True):
    sku: SkuId
    code: str
    options: dict[str, str]
    prices: dict[str, int]
    show_stock: str
    left: int | None
    """Null where the shop does not tell."""
    parts: list[PartView]
    """What a bundle is made of; else empty."""


class ProductSaved(Struct, frozen=True):
    product: ProductId
    version: int
    skus: list[SkuId]


class ProductState(Struct, frozen=True):
    state: str


class ProductView(Struct, frozen=True):
    product: ProductId
    shop: ShopId
    title: str
    text: str
    media: list[str]
    category: str
    ships_to: list[str]
    cross_border: bool
    state: str
    version: int


class ProductOffer(Struct, frozen=True):
    """Where it is on sale: a public show that is on, and the item's number there."""

    offer: OfferId
    stream: int
    number: int
    sku: SkuId
    prices: dict[str, int]


class ProductPage(Struct, frozen=True):
    product: ProductView
    skus: list[SkuView]
    offers: list[ProductOffer]
