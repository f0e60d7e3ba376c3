"""Stock rows and their ledger: every change of `available` is a Move beside it."""

from collections.abc import Iterable

from commerce.actions.catalog import KEEPERS, must_serve
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
from commerce.events import StockBack, StockOut, StockTick
from commerce.grant import shown
from commerce.models import Move, Offer, Sku, Stock
from realtime import publish_on_commit
from realtime.exceptions import BAD_REQUEST, NOT_FOUND, CommandError


def lock(ids: Iterable[int]) -> dict[int, Stock]:
    """Lock stock rows in id order, whatever order the caller has them in.

    SQLite's IMMEDIATE transaction is the lock there; PostgreSQL's is FOR NO KEY
    UPDATE, which lets rows that refer to the stock be inserted meanwhile.
    """
    rows = Stock.objects.filter(id__in=set(ids)).order_by("id")
    return {stock.pk: stock for stock in rows.select_for_update(no_key=True)}


def change(stock: Stock, delta: int, now: int) -> None:
    """Move a locked row by `delta`, and tell the shows when it empties or refills."""
    was = stock.available
    stock.available += delta
    stock.version += 1
    stock.changed_at = now
    stock.save(update_fields=["available", "version", "changed_at"])
    if (was > 0) != (stock.available > 0):
        _tell_edge(stock)


def _tell_edge(stock: Stock) -> None:
    edge = StockBack if stock.available > 0 else StockOut
    for offer in Offer.objects.showing().filter(stock_id=stock.pk):
        publish_on_commit(
            f"deals:{offer.stream_id}",
            edge(number=offer.item.number, offer=offer.pk, version=stock.version),
        )


def ticks(stocks: Iterable[int]) -> list[tuple[str, StockTick]]:
    """What `state:` channels should say of these rows now."""
    offers = Offer.objects.showing().filter(stock_id__in=set(stocks))
    return [
        (
            f"state:{offer.stream_id}",
            StockTick(
                offer=offer.pk,
                left=shown(offer.stock.available, offer.sku.show_stock),
                in_stock=offer.stock.available > 0,
                version=offer.stock.version,
            ),
        )
        for offer in offers
    ]


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
    change(stock, delta, now)
    Move.objects.create(
        stock=stock,
        kind=kind,
        delta=delta,
        ref=f"{user}:{key}",
        by_id=user,
        note=note,
        at=now,
    )
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


def rows_of(sku: int) -> list[int]:
    return list(Stock.objects.filter(sku_id=sku).values_list("id", flat=True))


def changed_lately() -> list[int]:
    """Rows on show that changed in the last five seconds."""
    since = now_ms() - 5_000
    showing = Offer.objects.showing().filter(stock__changed_at__gte=since)
    return list(showing.values_list("stock_id", flat=True).distinct())
