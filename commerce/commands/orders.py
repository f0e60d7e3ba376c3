"""Buying, as asked and answered."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from commerce.commands.ids import (
    Amount,
    Currency,
    Cursor,
    Limit,
    OfferId,
    OrderId,
    ShopId,
    SkuId,
    StreamId,
    Text,
)
from commerce.commands.quotes import AddressView, TaxLine
from commerce.commands.shipping import (
    AfterSaleView,
    ChangeView,
    RefundView,
    ShipmentView,
)
from commerce.states import OrderState
from realtime import Command, Mutation, Nested


class Via(Nested, frozen=True, kw_only=True):
    """Where the buyer clicked, and at which moment of the picture."""

    kind: Literal["stream"]
    id: StreamId
    media_ms: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None


class Expect(Nested, frozen=True, kw_only=True):
    """What the buyer saw that all units cost together. It can only refuse."""

    amount: Amount
    currency: Currency


class PlaceOrder(Mutation, frozen=True, tag="order.place"):
    offer: OfferId
    qty: Annotated[int, Meta(ge=1, le=999)]
    via: Via
    expect: Expect


class PayOrder(Mutation, frozen=True, tag="order.pay"):
    """Begin to pay. `version` is the order's, as the buyer saw it."""

    order: OrderId
    version: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    method: Annotated[str, Meta(min_length=1, max_length=16)]


class CancelOrder(Mutation, frozen=True, tag="order.cancel"):
    order: OrderId
    reason: Text = ""


class GetOrder(Command, frozen=True, tag="order.get"):
    order: OrderId


class ListMyOrders(Command, frozen=True, tag="order.mine"):
    state: OrderState | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class ListShopOrders(Command, frozen=True, tag="order.shop"):
    shop: ShopId
    state: OrderState | None = None
    after: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None
    """Only orders placed after this moment, epoch ms."""
    cursor: Cursor | None = None
    limit: Limit = 50


class HeldLine(Struct, frozen=True):
    line: int
    sku: SkuId
    qty: int
    price: int


class OrderHeld(Struct, frozen=True):
    """The first answer, made of what never changes: a resend gets the same bytes."""

    order: OrderId
    lines: list[HeldLine]
    currency: str
    hold_until: int


class PayStarted(Struct, frozen=True):
    """`redirect` is where the buyer pays; null when there is nothing to pay, or it is
    paid by hand: then there is no `expires_at`."""

    payment: str
    client_secret: str | None
    redirect: str | None
    expires_at: int | None


class OrderCancelled(Struct, frozen=True):
    """`refund` gives all of the money back, if it was paid."""

    state: str
    refund: str | None = None


class LineView(Struct, frozen=True):
    line: int
    offer: OfferId
    sku: SkuId
    title: str
    image: str
    options: dict[str, str]
    qty: int
    price: int
    discount: int
    tax: int
    refunded: int
    parent: int | None
    """The bundle's line that this is a part of."""


class OrderView(Struct, frozen=True):
    """An order as its buyer and its shop see it. Times are epoch ms."""

    order: OrderId
    shop: ShopId
    shop_name: str
    buyer: int
    buyer_name: str
    stream: int | None
    state: str
    code: int
    version: int
    lines: list[LineView]
    goods: int
    discount: int
    shipping: int
    taxes: list[TaxLine]
    amount: int
    """What is to be paid: while held, what paying would fix it at."""
    currency: str
    needs_address: bool
    """`order.quote` with an address comes before `order.pay`."""
    address: AddressView | None
    """Of the copy the order keeps `address` is 0."""
    methods: list[str]
    shipments: list[ShipmentView]
    refunds: list[RefundView]
    aftersales: list[AfterSaleView]
    changes: list[ChangeView]
    placed_at: int
    hold_until: int
    expires_at: int | None
    paid_at: int | None
    now: int


class OrderList(Struct, frozen=True):
    items: list[OrderView]
    cursor: str | None
