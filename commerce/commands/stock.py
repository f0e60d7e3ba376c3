"""Stock, as asked and answered."""

from typing import Annotated

from msgspec import Meta, Struct

from commerce.commands.ids import Cursor, Limit, Line, SkuId, Text
from realtime import Command, Mutation

Units = Annotated[int, Meta(ge=1, le=1_000_000)]


class ReceiveStock(Mutation, frozen=True, tag="stock.receive"):
    sku: SkuId
    qty: Units
    note: Text = ""


class AdjustStock(Mutation, frozen=True, tag="stock.adjust"):
    """Correct the count by `delta`, up or down, saying why."""

    sku: SkuId
    delta: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
    reason: Line


class ListStock(Command, frozen=True, tag="stock.ledger"):
    """The movements of a SKU's stock, newest first."""

    sku: SkuId
    cursor: Cursor | None = None
    limit: Limit = 50


class StockLevel(Struct, frozen=True):
    available: int
    version: int


class MoveView(Struct, frozen=True):
    move: int
    kind: str
    delta: int
    order: str | None
    by: int | None
    note: str
    at: int


class Ledger(Struct, frozen=True):
    items: list[MoveView]
    cursor: str | None
