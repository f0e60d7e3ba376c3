"""What an after-sale comes to: money back, units taken in, another piece sent.

In the caller's transaction, under the order's lock; stock rows are locked here.
"""

import uuid
from collections import Counter
from hashlib import blake2b

from commerce.actions import units
from commerce.actions.holding import Goods, Hold, Origin, Piece, write
from commerce.actions.orders import change_state
from commerce.actions.refunds import Share, left, refund
from commerce.actions.shipping import after_refund, units_paid_back, unsent
from commerce.actions.stock import change, lock
from commerce.clock import now_ms
from commerce.errors import STOCK_SHORT
from commerce.models import AfterSale, Move, Order, OrderLine, Payment, Refund
from commerce.money import part

Asked = list[tuple[OrderLine, int]]
"""Lines and how many units of each."""


def _asked(wish: AfterSale) -> Asked:
    qty = {one["line"]: one["qty"] for one in wish.lines}
    lines = wish.order.lines.filter(id__in=qty).order_by("id")
    return [(line, qty[line.pk]) for line in lines]


def worth(wish: AfterSale) -> dict[int, int]:
    """What there is to give back for each line; lines that were given back left out.

    Units are worth their part of the line, to the last minor unit of it with the last.
    """
    before = paid_back_by_hand(wish.order)
    done = wish.order.aftersales.filter(state=AfterSale.State.DONE)
    for other in done.filter(replacement=None):
        before.update({one["line"]: one["qty"] for one in other.lines})
    amounts = {}
    for line, qty in _asked(wish):
        whole, had = line.net + line.tax, before[line.pk]
        share = part(whole, had + qty, line.qty) - part(whole, had, line.qty)
        amounts[line.pk] = (
            left(line) if had + qty == line.qty else min(share, left(line))
        )
    return {line: amount for line, amount in amounts.items() if amount}


def paid_back_by_hand(order: Order) -> Counter[int]:
    """Units of each line that the shop gave the money for, without being asked."""
    return units_paid_back(order, [Refund.Reason.SHOP])


def was_paid_back(wish: AfterSale) -> bool:
    """The shop gave the money for these by hand: no other piece is owed."""
    return any(line.net + line.tax for line, _ in _asked(wish)) and not worth(wish)


def give_back_money(
    wish: AfterSale, *, by: int | None
) -> tuple[list[int], Refund | None]:
    """Refund what was asked for; the stock rows that got units, and the refund.

    What was not sent yet is not sent any more, and may be sold again. None when all of
    it was given back meanwhile.
    """
    order = wish.order
    amounts = worth(wish)
    asked = {line.pk: (line, qty) for line, qty in _asked(wish)}
    touched: list[int] = []
    coming = {line: qty for line, (_, qty) in asked.items()}
    if wish.kind == AfterSale.Kind.REFUND:
        # Closing it may give back rows besides: all are locked now, by their ids.
        lock(stock for _, stock in units.counted(order))
        still_here = unsent(order)
        coming = {n: min(qty, still_here[n]) for n, qty in coming.items()}
        here = [(asked[n][0], qty) for n, qty in coming.items() if qty]
        touched = units.restock(here, f"return:{wish.pk}", now_ms())
    if not amounts:
        return touched, None
    made = refund(
        order,
        [Share(n, amount, coming[n]) for n, amount in amounts.items()],
        Refund.Reason.AFTER_SALE,
        by=by,
        note=wish.reason,
    )
    return [*touched, *after_refund(made, now_ms(), by=by)], made


def take_in(wish: AfterSale) -> list[int]:
    """The units that came back may be sold again, once; the ids of their rows."""
    away = {line.pk: qty for line, qty in units.not_back(wish.order)}
    back = [(line, min(qty, away[line.pk])) for line, qty in _asked(wish)]
    return units.restock(back, f"return:{wish.pk}", now_ms())


def replace(wish: AfterSale, *, by: int | None) -> Order:
    """Another piece of each, as an order that costs nothing and is paid at once.

    Its units are held by Moves like any; the buyer's limit is not touched, for they
    have no more than before. Raises `STOCK_SHORT`.
    """
    now = now_ms()
    old = wish.order
    pieces = _pieces(_asked(wish))
    wanted: Counter[int] = Counter()
    for piece in pieces:
        if piece.goods.stock is not None:
            wanted[piece.goods.stock] += piece.qty
    stocks = lock(wanted)
    for stock, qty in wanted.items():
        if stocks[stock].available < qty:
            raise STOCK_SHORT(available=stocks[stock].available)
    hold = _hold(wish, pieces, now)
    write([hold], now)
    for stock in sorted(wanted):
        change(stocks[stock], -wanted[stock], now)
    order = Order.objects.get(id=hold.order)
    Payment.objects.create(
        order=order,
        attempt=1,
        provider="free",
        key=f"order:{order.pk}:1",
        amount=0,
        currency=order.currency,
        state=Payment.State.SETTLED,
        use="order",
        expires_at=now,
    )
    change_state(
        order,
        "paid",
        now,
        by=by,
        reason=f"instead of {old.pk}",
        amount=0,
        address=old.address,
        paid_at=now,
        expires_at=None,
    )
    units.write_moves(units.counted(order), Move.Kind.SELL, now, sign=0)
    return order


def _pieces(asked: Asked) -> list[Piece]:
    pieces: list[Piece] = []
    for line, qty in asked:
        at = len(pieces)
        pieces.append(_piece(line, qty, None))
        for child in line.children.order_by("id"):
            pieces.append(_piece(child, child.qty // line.qty * qty, at))
    return pieces


def _piece(line: OrderLine, qty: int, parent: int | None) -> Piece:
    goods = Goods(
        sku=line.sku_id,
        stock=line.stock_id,
        title=line.title,
        image=line.image,
        options=line.options,
    )
    return Piece(offer=line.offer_id, goods=goods, qty=qty, price=0, parent=parent)


def _hold(wish: AfterSale, pieces: list[Piece], now: int) -> Hold:
    old = wish.order
    key = f"exchange:{wish.pk}"
    return Hold(
        order=uuid.uuid4(),
        shop=old.shop_id,
        buyer=old.buyer_id,
        key=key,
        digest=blake2b(key.encode(), digest_size=16).digest(),
        currency=old.currency,
        until=now,
        via=Origin("exchange", wish.pk),
        stream=None,
        pieces=pieces,
        limited={},
    )
