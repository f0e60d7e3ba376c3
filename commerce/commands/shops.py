"""A shop's settings and its people, as asked and answered."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from commerce.commands.ids import (
    SAYS,
    Amount,
    Country,
    Currency,
    Prices,
    ShopId,
    Whole,
)
from realtime import Mutation, Nested

ShopName = Annotated[str, Meta(max_length=40, pattern=SAYS)]
Currencies = Annotated[list[Currency], Meta(min_length=1, max_length=20)]
Methods = Annotated[
    list[Annotated[str, Meta(max_length=16)]], Meta(min_length=1, max_length=10)
]
Role = Literal["owner", "manager", "clerk", "service"]


class Fee(Nested, frozen=True, kw_only=True):
    """What sending to a country costs; from `free_over` of goods on, nothing."""

    fee: Prices
    free_over: Annotated[dict[Currency, Amount], Meta(max_length=20)] = {}


Shipping = Annotated[dict[Country, Fee], Meta(max_length=250)]
"""Where a shop ships; empty: nowhere, and nobody is asked for an address."""


class UpdateShop(Mutation, frozen=True, kw_only=True, tag="shop.update"):
    """Change what is named; the rest stays."""

    shop: ShopId
    name: ShopName | None = None
    currencies: Currencies | None = None
    methods: Methods | None = None
    shipping: Shipping | None = None
    state: Literal["open", "closed"] | None = None


class SetMember(Mutation, frozen=True, tag="shop.member"):
    """Give a person a role in the shop; null: none any more."""

    shop: ShopId
    user: Whole
    role: Role | None


class MemberView(Struct, frozen=True):
    user: int
    name: str
    role: str


class Members(Struct, frozen=True):
    members: list[MemberView]
