"""A bag of one shop's goods and the queue for what is sold out, asked and answered."""

from typing import Annotated

from msgspec import Meta, Struct

from commerce.commands.ids import Currency, OfferId, Qty, ShopId, SkuId, WaitId
from commerce.commands.orders import Expect, Via
from realtime import Command, Mutation, Nested


class PutInBag(Mutation, frozen=True, tag="bag.put"):
    """`qty` is what the bag has of the offer afterwards; 0 takes it out."""

    offer: OfferId
    qty: Annotated[int, Meta(ge=0, le=999)]


class GetBag(Command, frozen=True, tag="bag.get"):
    """The signed-in buyer's bag."""


class BagWish(Nested, frozen=True, kw_only=True):
    offer: OfferId
    qty: Qty
    expect: Expect


class CheckOutBag(Mutation, frozen=True, tag="bag.checkout"):
    """Hold all lines or none; they leave the bag. Answers as `order.place` does."""

    shop: ShopId
    lines: Annotated[list[BagWish], Meta(min_length=1, max_length=50)]
    via: Via


class BagLineView(Struct, frozen=True):
    """`open` is false for what cannot be bought now; `left` null where not told."""

    offer: OfferId
    sku: SkuId
    shop: ShopId
    shop_name: str
    stream: int | None
    title: str
    image: str
    options: dict[str, str]
    qty: int
    prices: dict[str, int]
    left: int | None
    open: bool


class BagView(Struct, frozen=True):
    lines: list[BagLineView]
    version: int


class JoinQueue(Mutation, frozen=True, tag="wait.join"):
    """Wait for units of a sold-out offer to come back.

    `currency` is what they will cost in; left out: the shop's first.
    """

    offer: OfferId
    qty: Qty
    currency: Currency | None = None


class LeaveQueue(Mutation, frozen=True, tag="wait.leave"):
    wait: WaitId


class ListMyWaits(Command, frozen=True, tag="wait.mine"):
    """The places the signed-in buyer still has, newest first."""


class Waiting(Struct, frozen=True):
    """`ahead` is how many buyers are served before."""

    wait: WaitId
    ahead: int


class WaitView(Struct, frozen=True):
    wait: WaitId
    offer: OfferId
    stream: int
    title: str
    qty: int
    state: str
    ahead: int
    order: str | None
    """The hold it was offered."""
    expires_at: int | None


class WaitList(Struct, frozen=True):
    items: list[WaitView]
