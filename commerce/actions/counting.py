"""What comes in, what is counted anew, and the list of every movement."""

from commerce.actions.catalog import KEEPERS, must_serve
from commerce.actions.stock import change, lock
from commerce.actions.units import come_back
from commerce.clock import now_ms
from commerce.commands.stock import (
    AdjustStock,
    Ledger,
    ListStock,
    MoveView,
    ReceiveStock,
    StockLevel,
)
from commerce.errors import STOCK_SHORT
from commerce.models import BundlePart, Move, Sku, Stock
from realtime.exceptions import BAD_REQUEST, NOT_FOUND, CommandError


def _main_stock(user: int, sku: int) -> Stock:
    """The main row of a SKU, for the keepers of its shop.

    Strangers are told `not_found`: which variants a shop keeps is its own business.
    """
    found = Sku.objects.filter(id=sku).select_related("product").first()
    if found is None:
        raise NOT_FOUND()
    try:
        must_serve(found.product.shop_id, user, KEEPERS)
    except CommandError:
        raise NOT_FOUND() from None
    return Stock.objects.get(sku_id=sku, kind=Stock.Kind.MAIN)


def _locked(user: int, sku: int) -> Stock:
    stock = _main_stock(user, sku)
    if BundlePart.objects.filter(bundle_id=sku).exists():
        raise BAD_REQUEST(path="$.sku", why="a bundle is counted by its parts")
    return lock([stock.pk])[stock.pk]


def receive_stock(user: int, command: ReceiveStock) -> StockLevel:
    """Goods came in."""
    stock = _locked(user, command.sku)
    return _count(
        stock, Move.Kind.RECEIVE, command.qty, user, command.key, command.note
    )


def adjust_stock(user: int, command: AdjustStock) -> StockLevel:
    """Correct the count. Raises `STOCK_SHORT`: held and sold units stay theirs."""
    if command.delta == 0:
        raise BAD_REQUEST(path="$.delta", why="nothing to change")
    stock = _locked(user, command.sku)
    if stock.available + command.delta < 0:
        raise STOCK_SHORT(available=stock.available)
    return _count(
        stock, Move.Kind.ADJUST, command.delta, user, command.key, command.reason
    )


def _count(
    stock: Stock, kind: Move.Kind, delta: int, user: int, key: str, note: str
) -> StockLevel:
    now = now_ms()
    Move.objects.create(
        stock=stock,
        kind=kind,
        delta=delta,
        ref=f"{user}:{key}",
        by_id=user,
        note=note,
        at=now,
    )
    if delta > 0:
        come_back({stock.pk: stock}, {stock.pk: delta}, now)
    else:
        change(stock, delta, now)
    return StockLevel(available=stock.available, version=stock.version)


def ledger(user: int, command: ListStock) -> Ledger:
    """A page of a SKU's movements, newest first."""
    stock = _main_stock(user, command.sku)
    moves = Move.objects.filter(stock=stock).select_related("line").order_by("-id")
    if command.cursor is not None:
        moves = moves.filter(id__lt=_number(command.cursor))
    page = list(moves[: command.limit + 1])
    more = len(page) > command.limit
    page = page[: command.limit]
    return Ledger(
        items=[_move_view(move) for move in page],
        cursor=str(page[-1].pk) if more else None,
    )


def _number(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise BAD_REQUEST(path="$.cursor", why="not one of ours")
    return int(cursor)


def _move_view(move: Move) -> MoveView:
    return MoveView(
        move=move.pk,
        kind=move.kind,
        delta=move.delta,
        order=str(move.line.order_id) if move.line else None,
        by=move.by_id,
        note=move.note,
        at=move.at,
    )
