"""Where an order goes and what it costs there, as asked and answered."""

from typing import Annotated

from msgspec import Meta, Struct

from commerce.commands.ids import SAYS, AddressId, ClaimId, Country, Line, OrderId
from realtime import Command, Mutation


class SaveAddress(Mutation, frozen=True, kw_only=True, tag="address.save"):
    """Keep an address, or with `address` change it. The first is the default one."""

    address: AddressId | None = None
    name: Annotated[str, Meta(max_length=60, pattern=SAYS)]
    phone: Annotated[str, Meta(pattern=r"^[0-9+() -]{3,30}$(?![\s\S])")]
    country: Country
    region: Annotated[str, Meta(max_length=60, pattern=r"^[^\x00-\x1f]*$")] = ""
    line: Line
    is_default: bool = False


class DropAddress(Mutation, frozen=True, tag="address.drop"):
    address: AddressId


class ListAddresses(Command, frozen=True, tag="address.list"):
    """The signed-in buyer's, the default one first."""


class QuoteOrder(Mutation, frozen=True, tag="order.quote"):
    """Fix what a held order costs at this address. May be asked again."""

    order: OrderId
    address: AddressId | None = None
    """Null for an order of a shop that ships nothing."""
    coupon: ClaimId | None = None


class AddressView(Struct, frozen=True):
    address: AddressId
    name: str
    phone: str
    country: str
    region: str
    line: str
    is_default: bool


class AddressSaved(Struct, frozen=True):
    address: AddressId


class AddressList(Struct, frozen=True):
    items: list[AddressView]


class TaxLine(Struct, frozen=True):
    name: str
    rate_bp: int
    amount: int


class Quote(Struct, frozen=True):
    """amount = goods − discount + shipping + taxes; `version` is for `order.pay`."""

    goods: int
    discount: int
    shipping: int
    taxes: list[TaxLine]
    amount: int
    currency: str
    methods: list[str]
    version: int
