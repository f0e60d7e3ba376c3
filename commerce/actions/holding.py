"""Holds as rows: many orders with their lines, movements and tallies, written at once.

Who may have them was decided before, under the locks of the stock rows: by deciding.py
for a queue at one row, by others for whoever takes units of several.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from commerce.actions.plain import Known
from commerce.commands.orders import HeldLine, OrderHeld, Via
from commerce.models import Move, Order, OrderLine, Tally
from commerce.models.inserting import add, insert, reserve

encode = msgspec.json.Encoder().encode


class Goods(Struct, frozen=True):
    """What a line keeps of a SKU, and the row its units come from.

    `stock` is None for a bundle: it is counted by its parts.
    """

    sku: int
    stock: int | None
    title: str
    image: str
    options: dict[str, str]


class Piece(Struct, frozen=True):
    """A line to be: `qty` units at `price` each. `parent` is the place, among the
    pieces of its hold, of the bundle it is a part of; the bundle comes before.
    """

    offer: int
    goods: Goods
    qty: int
    price: int
    parent: int | None = None


class Origin(Struct, frozen=True):
    """Where a hold came from, if from no buyer's click."""

    kind: str
    id: int
    media_ms: int | None = None


class Hold(Struct, frozen=True):
    """An order to be. `limited` has the limit of each offer in it that has one."""

    order: uuid.UUID
    shop: int
    buyer: int
    key: str
    digest: bytes
    currency: str
    until: int
    via: Via | Origin
    stream: int | None
    pieces: Sequence[Piece]
    limited: Mapping[int, int]

    @property
    def goods(self) -> int:
        return sum(piece.price * piece.qty for piece in self.pieces)


def write(holds: Iterable[Hold], now: int) -> dict[uuid.UUID, OrderHeld]:
    """Write orders, lines, moves and tallies; what each buyer is to be told.

    The stock rows are locked by the caller, who also lowers them. Rows are inserted in
    (buyer, key) order, as everybody does: so two who meet in the unique index wait for
    each other one way only. Five statements at most.
    """
    ordered = sorted(holds, key=lambda hold: (hold.buyer, hold.key))
    pairs = [(hold, piece) for hold in ordered for piece in hold.pieces]
    lines = reserve(OrderLine, len(pairs))
    _insert_orders(ordered, now)
    _insert_lines(ordered, pairs, lines)
    _insert_moves(pairs, lines, now)
    _count(ordered)
    ids = iter(lines)
    return {hold.order: _told(hold, ids) for hold in ordered}


def _insert_orders(holds: Sequence[Hold], now: int) -> None:
    until = [hold.until for hold in holds]
    insert(
        Order,
        len(holds),
        {
            "id": [hold.order.hex for hold in holds],
            "shop_id": [hold.shop for hold in holds],
            "buyer_id": [hold.buyer for hold in holds],
            "key": [hold.key for hold in holds],
            "digest": [hold.digest for hold in holds],
            "state": Order.State.HELD.value,
            "version": 0,
            "currency": [hold.currency for hold in holds],
            "goods": [hold.goods for hold in holds],
            "placed_at": now,
            "hold_until": until,
            "expires_at": until,
            "grace": False,
            "via_kind": [hold.via.kind for hold in holds],
            "via_id": [hold.via.id for hold in holds],
            "stream_id": [hold.stream for hold in holds],
            "media_ms": [hold.via.media_ms for hold in holds],
        },
    )


def _insert_lines(
    holds: Sequence[Hold], pairs: Sequence[tuple[Hold, Piece]], lines: list[int]
) -> None:
    pieces = [piece for _, piece in pairs]
    insert(
        OrderLine,
        len(pieces),
        {
            "id": lines,
            "order_id": [hold.order.hex for hold, _ in pairs],
            "parent_id": _parents(holds, lines),
            "offer_id": [piece.offer for piece in pieces],
            "sku_id": [piece.goods.sku for piece in pieces],
            "stock_id": [piece.goods.stock for piece in pieces],
            "qty": [piece.qty for piece in pieces],
            "title": [piece.goods.title for piece in pieces],
            "image": [piece.goods.image for piece in pieces],
            "options": [encode(piece.goods.options).decode() for piece in pieces],
            "price": [piece.price for piece in pieces],
            "net": [piece.price * piece.qty for piece in pieces],
        },
    )


def _parents(holds: Sequence[Hold], lines: list[int]) -> list[int | None]:
    parents: list[int | None] = []
    for hold in holds:
        first = len(parents)
        for piece in hold.pieces:
            parents.append(
                None if piece.parent is None else lines[first + piece.parent]
            )
    return parents


def _insert_moves(
    pairs: Sequence[tuple[Hold, Piece]], lines: list[int], now: int
) -> None:
    counted = [
        (piece.goods.stock, piece.qty, line)
        for (_, piece), line in zip(pairs, lines, strict=True)
        if piece.goods.stock is not None
    ]
    insert(
        Move,
        len(counted),
        {
            "stock_id": [stock for stock, _, _ in counted],
            "kind": Move.Kind.HOLD.value,
            "delta": [-qty for _, qty, _ in counted],
            "ref": [str(line) for _, _, line in counted],
            "line_id": [line for _, _, line in counted],
            "note": "",
            "at": now,
        },
    )


def _count(holds: Iterable[Hold]) -> None:
    """Add to what each buyer has of a limited offer; the CHECK keeps it within."""
    added: Counter[tuple[int, int]] = Counter()
    caps: dict[int, int] = {}
    for hold in holds:
        caps |= hold.limited
        for piece in hold.pieces:
            if piece.parent is None and piece.offer in hold.limited:
                added[piece.offer, hold.buyer] += piece.qty
    pairs = sorted(added)
    if not pairs:
        return
    add(
        Tally,
        ["offer_id", "buyer_id"],
        "qty",
        {
            "offer_id": [offer for offer, _ in pairs],
            "buyer_id": [buyer for _, buyer in pairs],
            "qty": [added[pair] for pair in pairs],
            "cap": [caps[offer] for offer, _ in pairs],
        },
    )


def _told(hold: Hold, ids: Iterable[int]) -> OrderHeld:
    """As `told_again` tells it from the rows for ever after."""
    lines = [
        HeldLine(line=line, sku=piece.goods.sku, qty=piece.qty, price=piece.price)
        for piece, line in zip(hold.pieces, ids, strict=False)
    ]
    return OrderHeld(
        order=str(hold.order),
        lines=lines,
        currency=hold.currency,
        hold_until=hold.until,
    )


def told_again(orders: Sequence[Known]) -> dict[uuid.UUID, OrderHeld]:
    """What the buyers of these orders were told, by the same bytes. One statement."""
    lines: dict[uuid.UUID, list[HeldLine]] = defaultdict(list)
    ids = [order.id for order in orders]
    for line in OrderLine.objects.filter(order_id__in=ids).order_by("id"):
        told = HeldLine(line=line.pk, sku=line.sku_id, qty=line.qty, price=line.price)
        lines[line.order_id].append(told)
    return {
        order.id: OrderHeld(
            order=str(order.id),
            lines=lines[order.id],
            currency=order.currency,
            hold_until=order.hold_until,
        )
        for order in orders
    }
