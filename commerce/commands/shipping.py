"""Sending what was sold, and what follows, as asked and answered."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from commerce.commands.catalog import Address
from commerce.commands.ids import (
    SAYS,
    AfterSaleId,
    Line,
    LineId,
    OrderId,
    Qty,
    RefundId,
    ShipmentId,
    Text,
)
from commerce.money import LARGEST
from realtime import Mutation, Nested

Carrier = Annotated[str, Meta(max_length=40, pattern=SAYS)]
Parcel = Annotated[str, Meta(max_length=60, pattern=SAYS)]


class Part(Nested, frozen=True, kw_only=True):
    """Some units of a line."""

    line: LineId
    qty: Qty


Parts = Annotated[list[Part], Meta(min_length=1, max_length=50)]


class MarkPaid(Mutation, frozen=True, tag="order.mark_paid"):
    """The shop has the money, by hand or transfer. Orders paid `manual` only."""

    order: OrderId
    reference: Text = ""


class PackOrder(Mutation, frozen=True, tag="order.pack"):
    order: OrderId


class ShipOrder(Mutation, frozen=True, tag="order.ship"):
    """`lines` left out: all that was not sent yet."""

    order: OrderId
    carrier: Carrier
    number: Parcel
    lines: Parts | None = None


class FixShipment(Mutation, frozen=True, tag="shipment.fix"):
    """Another carrier or number than was said."""

    shipment: ShipmentId
    carrier: Carrier
    number: Parcel


class ReceiveOrder(Mutation, frozen=True, tag="order.receive"):
    order: OrderId


class RefundPart(Nested, frozen=True, kw_only=True):
    """`amount` back for a line; `qty` says for how many units, if for whole ones."""

    line: LineId
    amount: Annotated[int, Meta(ge=1, le=LARGEST)]
    qty: Qty | None = None


class CreateRefund(Mutation, frozen=True, tag="refund.create"):
    order: OrderId
    lines: Annotated[list[RefundPart], Meta(min_length=1, max_length=50)]
    reason: Text = ""


class MarkRefunded(Mutation, frozen=True, tag="refund.mark_done"):
    """The shop gave it back, by hand or transfer. Of orders paid `manual` only."""

    refund: RefundId
    reference: Text = ""


class OpenAfterSale(Mutation, frozen=True, kw_only=True, tag="aftersale.open"):
    order: OrderId
    kind: Literal["refund", "return", "exchange"]
    lines: Parts
    reason: Line
    media: Annotated[list[Address], Meta(max_length=9)] = []


class SentBack(Mutation, frozen=True, tag="aftersale.sent"):
    aftersale: AfterSaleId
    carrier: Carrier
    number: Parcel


class WithdrawAfterSale(Mutation, frozen=True, tag="aftersale.withdraw"):
    aftersale: AfterSaleId


class DecideAfterSale(Mutation, frozen=True, tag="aftersale.decide"):
    aftersale: AfterSaleId
    accept: bool
    note: Text = ""


class CameBack(Mutation, frozen=True, tag="aftersale.received"):
    """The parcel arrived. `restock`: its units may be sold again."""

    aftersale: AfterSaleId
    restock: bool


class OrderState(Struct, frozen=True):
    state: str


class Shipped(Struct, frozen=True):
    shipment: ShipmentId


class Refunded(Struct, frozen=True):
    refund: str
    state: str


class AfterSaleState(Struct, frozen=True):
    aftersale: AfterSaleId
    state: str
    refund: str | None = None


class ShipmentView(Struct, frozen=True):
    shipment: ShipmentId
    carrier: str
    number: str
    lines: list[Part]
    events: list[dict[str, str | int]]
    state: str
    at: int


class RefundView(Struct, frozen=True):
    refund: str
    amount: int
    lines: list[Part]
    """The whole units it is for; none when it is for a part of their money."""
    reason: str
    state: str
    at: int


class AfterSaleView(Struct, frozen=True):
    aftersale: AfterSaleId
    kind: str
    lines: list[Part]
    reason: str
    media: list[str]
    note: str
    carrier: str
    number: str
    state: str
    due_at: int | None
    refund: str | None
    replacement: str | None
    """The order sent instead, of an exchange."""
    at: int


class ChangeView(Struct, frozen=True):
    """One line of an order's history. `by` is `buyer`, `shop`, or nobody: the clock,
    or a provider."""

    version: int
    was: str
    state: str
    by: Literal["buyer", "shop"] | None
    reason: str
    at: int
