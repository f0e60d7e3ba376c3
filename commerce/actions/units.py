"""Units of orders go out and come back: each a Move, and the one number beside it.

Everything that puts units back into sale ends in `come_back`. Callers hold the order's
lock; stock rows are locked here, by id, then tallies.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from django.db.models import F

from commerce.actions.queue import serve
from commerce.actions.stock import change, lock
from commerce.models import Move, Order, OrderLine, Stock, Tally

Counted = list[tuple[OrderLine, int]]
"""Lines that took units, each with its stock row. A bundle's own line took none."""


def counted(order: Order) -> Counted:
    lines = order.lines.order_by("id")
    return [(line, line.stock_id) for line in lines if line.stock_id is not None]


def come_back(stocks: dict[int, Stock], units: Mapping[int, int], now: int) -> None:
    """Put `units` into locked rows: what every release, restock and receipt ends in.

    First to who waits for them; only what nobody waits for is there for all. The Moves
    of the units are the caller's, those of the waiters' holds are written here.
    """
    given = serve(stocks, units, now)
    for row in sorted({*units, *given}):
        if delta := units.get(row, 0) - given[row]:
            change(stocks[row], delta, now)


def give_back(order: Order, now: int) -> list[int]:
    """Return a locked order's units to their rows; the rows' ids."""
    lines = counted(order)
    units = _per_row(lines)
    stocks = lock(units)
    _count(order, -1)
    write_moves(lines, Move.Kind.RELEASE, now, 1)
    come_back(stocks, units, now)
    return sorted(stocks)


def restock(sold: Iterable[tuple[OrderLine, int]], of: str, now: int) -> list[int]:
    """So many units of each sold line may be sold again; the ids of their rows.

    `of` names the return, once: its Moves are `<of>:<line>`. Of a bundle's line its
    parts come back. The buyer's limit does not.
    """
    parts = [part for line, qty in sold if qty for part in _parts(line, qty)]
    units: Counter[int] = Counter()
    for _, stock, qty in parts:
        units[stock] += qty
    stocks = lock(units)
    Move.objects.bulk_create(
        Move(
            stock_id=stock,
            kind=Move.Kind.RESTOCK,
            delta=qty,
            ref=f"{of}:{line.pk}",
            line=line,
            at=now,
        )
        for line, stock, qty in parts
    )
    come_back(stocks, units, now)
    return sorted(stocks)


def not_back(order: Order) -> list[tuple[OrderLine, int]]:
    """Lines of a sold order, and the units of each that were not restocked."""
    moves = Move.objects.filter(line__order=order, kind=Move.Kind.RESTOCK)
    back: Counter[int] = Counter()
    for of, delta in moves.values_list("line_id", "delta"):
        back[of or 0] += delta
    lines = order.lines.filter(parent=None).prefetch_related("children").order_by("id")
    return [(line, line.qty - _came(line, back)) for line in lines]


def _came(line: OrderLine, back: Mapping[int, int]) -> int:
    """Units of a line that came back; of a bundle, by its first part."""
    part = min(line.children.all(), key=lambda child: child.pk, default=None)
    if part is None:
        return back.get(line.pk, 0)
    return back.get(part.pk, 0) * line.qty // part.qty


def _parts(line: OrderLine, qty: int) -> list[tuple[OrderLine, int, int]]:
    """Lines with their rows and units, for `qty` units of a line or of a bundle's."""
    if line.stock_id is not None:
        return [(line, line.stock_id, qty)]
    children = line.children.order_by("id")
    return [
        (child, child.stock_id, child.qty // line.qty * qty)
        for child in children
        if child.stock_id is not None
    ]


def take_again(order: Order, now: int) -> list[int] | None:
    """Take the units of an order that lost them; None, and nothing taken, if gone."""
    lines = counted(order)
    units = _per_row(lines)
    stocks = lock(units)
    short = any(stocks[stock].available < qty for stock, qty in units.items())
    if short or not _within_limits(order):
        return None
    _count(order, 1)
    write_moves(lines, Move.Kind.REHOLD, now, -1)
    for stock in sorted(units):
        change(stocks[stock], -units[stock], now)
    return sorted(stocks)


def _per_row(lines: Counted) -> Counter[int]:
    """Units a row: a bundle may share one with a line beside it."""
    units: Counter[int] = Counter()
    for line, stock in lines:
        units[stock] += line.qty
    return units


def _within_limits(order: Order) -> bool:
    return not any(
        Tally.objects.filter(
            offer_id=line.offer_id,
            buyer_id=order.buyer_id,
            qty__gt=F("cap") - line.qty,
        ).exists()
        for line in order.lines.filter(parent=None)
    )


def _count(order: Order, sign: int) -> None:
    """What the buyer has of limited offers. A bundle counts once, its parts do not."""
    for line in order.lines.filter(parent=None).order_by("offer_id"):
        tally = Tally.objects.filter(offer_id=line.offer_id, buyer_id=order.buyer_id)
        tally.update(qty=F("qty") + sign * line.qty)


def write_moves(lines: Counted, kind: Move.Kind, now: int, sign: int) -> None:
    """One Move a line; `sign` 0 for a sale, whose hold moved the units."""
    Move.objects.bulk_create(
        Move(
            stock_id=stock,
            kind=kind,
            delta=sign * line.qty,
            ref=str(line.pk),
            line=line,
            at=now,
        )
        for line, stock in lines
    )
