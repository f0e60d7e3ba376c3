"""What happens to an order after its hold: paid, expired, cancelled; and reading it.

Each change of state is one conditional update of the order's row, one OrderChange and
one event on commit. Locks are taken in one order everywhere: existing orders, stock
rows by id, tallies; nothing locks an existing order while it holds a stock row.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from commerce.actions.catalog import STAFF, must_serve, serves
from commerce.actions.stock import change, lock
from commerce.clock import DatabaseNow, now_ms
from commerce.commands.ids import Cursor
from commerce.commands.orders import (
    LineView,
    ListMyOrders,
    ListShopOrders,
    OrderCancelled,
    OrderList,
    OrderView,
)
from commerce.errors import WRONG_STATE
from commerce.events import OrderChanged
from commerce.models import Move, Order, OrderChange, OrderLine, Shop, Tally
from commerce.providers import enabled
from commerce.states import CODES, LIVE, OPEN, OrderState, may_change
from realtime import publish_on_commit
from realtime.exceptions import BAD_REQUEST, NOT_FOUND


def locked(order_id: str | uuid.UUID) -> Order:
    """An order, locked until the transaction ends."""
    return Order.objects.select_for_update(no_key=True).get(id=order_id)


def change_state(
    order: Order,
    state: OrderState,
    now: int,
    *,
    by: int | None = None,
    reason: str = "",
    **fields: Any,
) -> None:
    """Move a locked order along a line of the table of states, and tell its buyer."""
    was: OrderState = order.state  # type: ignore[assignment] # a CharField is a str
    if not may_change(was, state):
        raise WRONG_STATE(state=was)
    claimed = Order.objects.filter(id=order.pk, state=was, version=order.version)
    version = order.version + 1
    if claimed.update(state=state, version=version, **fields) != 1:
        raise RuntimeError(f"order {order.pk} was changed without its lock")
    for name, value in {**fields, "state": state, "version": version}.items():
        setattr(order, name, value)
    OrderChange.objects.create(
        order=order,
        version=version,
        was=was,
        state=state,
        by_id=by,
        reason=reason,
        at=now,
    )
    publish_on_commit(
        f"#{order.buyer_id}",
        OrderChanged(
            order=str(order.pk),
            state=state,
            was=was,
            version=version,
            amount=order.amount,
            expires_at=order.expires_at if state in LIVE else None,
            reason=reason or None,
        ),
    )


def give_back(order: Order, now: int) -> list[int]:
    """Return a locked order's units to their rows; the rows' ids."""
    return _move_units(order, Move.Kind.RELEASE, now)


def take_again(order: Order, now: int) -> list[int] | None:
    """Take the units of an order that lost them; None, and nothing taken, if gone."""
    lines = list(order.lines.order_by("id"))
    stocks = lock(line.stock_id for line in lines)
    for line in lines:
        if stocks[line.stock_id].available < line.qty or not _within_limit(line, order):
            return None
    return _move_units(order, Move.Kind.REHOLD, now)


def _within_limit(line: OrderLine, order: Order) -> bool:
    tally = Tally.objects.filter(offer_id=line.offer_id, buyer_id=order.buyer_id)
    return not tally.filter(qty__gt=F("cap") - line.qty).exists()


def _move_units(order: Order, kind: Move.Kind, now: int) -> list[int]:
    sign = 1 if kind == Move.Kind.RELEASE else -1
    lines = list(order.lines.order_by("id"))
    stocks = lock(line.stock_id for line in lines)
    for line in lines:
        change(stocks[line.stock_id], sign * line.qty, now)
        tally = Tally.objects.filter(offer_id=line.offer_id, buyer_id=order.buyer_id)
        tally.update(qty=F("qty") - sign * line.qty)
    write_moves(order, lines, kind, now, sign)
    return sorted(stocks)


def write_moves(
    order: Order, lines: Sequence[OrderLine], kind: Move.Kind, now: int, sign: int
) -> None:
    """One Move a line; `sign` 0 for a sale, whose hold moved the units."""
    Move.objects.bulk_create(
        Move(
            stock_id=line.stock_id,
            kind=kind,
            delta=sign * line.qty,
            ref=str(line.pk),
            line=line,
            at=now,
        )
        for line in lines
    )


def leave(
    order: Order, state: OrderState, now: int, *, by: int | None = None, reason: str
) -> list[int]:
    """Expire or cancel a locked live order: its units go back."""
    change_state(order, state, now, by=by, reason=reason, expires_at=None)
    return give_back(order, now)


def due(limit: int = 200, stock: int | None = None) -> list[uuid.UUID]:
    """Holds whose time is over, oldest first."""
    found = Order.objects.filter(state__in=LIVE, expires_at__lte=DatabaseNow())
    if stock is not None:
        found = found.filter(lines__stock_id=stock)
    return list(found.order_by("expires_at").values_list("id", flat=True)[:limit])


def expire(order_id: uuid.UUID, *, unasked: bool = False) -> list[int]:
    """Take back a due hold, if it is still due and nobody may be paying it.

    `unasked`: although its provider could not be asked. One transaction; returns the
    stock rows that got units.
    """
    with transaction.atomic(durable=True):
        order = locked(order_id)
        now = now_ms()
        if order.state not in LIVE or (order.expires_at or now + 1) > now:
            return []
        if not unasked and _being_paid(order):
            return []
        return leave(order, "expired", now, reason="time")


def _being_paid(order: Order) -> bool:
    return order.payments.filter(state__in=OPEN, quarantined_at=None).exists()


def expire_due(stock: int) -> None:
    """Take back the due holds of one stock row: what a teller does before it asks."""
    for order in due(50, stock):
        expire(order)


def cancel(user: int, order_id: str, reason: str) -> tuple[OrderCancelled, list[int]]:
    """Let go of a hold, for its buyer or its shop; open payments are ended before.

    Raises `WRONG_STATE` when it is no hold any more, or is being paid just now.
    """
    order = locked(seen(user, order_id).pk)
    if order.state not in LIVE or _being_paid(order):
        raise WRONG_STATE(state=order.state)
    stocks = leave(order, "cancelled", now_ms(), by=user, reason=reason)
    return OrderCancelled(state=order.state), stocks


def seen(user: int, order_id: str) -> Order:
    """An order its buyer or its shop's staff asks for; to others there is none."""
    order = Order.objects.filter(id=order_id).first()
    if order is None or not (
        order.buyer_id == user or serves(order.shop_id, user, STAFF)
    ):
        raise NOT_FOUND()
    return order


def order_view(user: int, order_id: str) -> OrderView:
    return _views(Order.objects.filter(id=seen(user, order_id).pk))[0]


def my_orders(user: int, command: ListMyOrders) -> OrderList:
    """The buyer's orders, newest first."""
    orders = Order.objects.filter(buyer_id=user)
    return _page(orders, command.state, command.cursor, command.limit)


def shop_orders(user: int, command: ListShopOrders) -> OrderList:
    """A shop's orders, newest first, for its staff."""
    if not Shop.objects.filter(id=command.shop).exists():
        raise NOT_FOUND()
    must_serve(command.shop, user, STAFF)
    orders = Order.objects.filter(shop_id=command.shop)
    if command.after is not None:
        orders = orders.filter(placed_at__gt=command.after)
    return _page(orders, command.state, command.cursor, command.limit)


def _page(
    orders: QuerySet[Order], state: str | None, cursor: Cursor | None, limit: int
) -> OrderList:
    if state is not None:
        orders = orders.filter(state=state)
    if cursor is not None:
        placed_at, order = _place(cursor)
        orders = orders.filter(
            Q(placed_at__lt=placed_at) | Q(placed_at=placed_at, id__lt=order)
        )
    page = _views(orders.order_by("-placed_at", "-id")[: limit + 1])
    if len(page) <= limit:
        return OrderList(items=page, cursor=None)
    last = page[limit - 1]
    return OrderList(items=page[:limit], cursor=f"{last.placed_at}_{last.order}")


def _place(cursor: Cursor) -> tuple[int, uuid.UUID]:
    placed_at, _, order = cursor.partition("_")
    try:
        return int(placed_at), uuid.UUID(order)
    except ValueError:
        raise BAD_REQUEST(path="$.cursor", why="not one of ours") from None


def _views(orders: QuerySet[Order]) -> list[OrderView]:
    now = now_ms()
    rows = orders.select_related("shop", "buyer").prefetch_related("lines")
    return [_view(order, now) for order in rows]


def _view(order: Order, now: int) -> OrderView:
    state: OrderState = order.state  # type: ignore[assignment] # a CharField is a str
    return OrderView(
        order=str(order.pk),
        shop=order.shop_id,
        shop_name=order.shop.name,
        buyer=order.buyer_id,
        buyer_name=str(order.buyer),
        stream=order.stream_id,
        state=state,
        code=CODES[state],
        version=order.version,
        lines=[_line_view(line) for line in order.lines.all()],
        goods=order.goods,
        amount=order.goods if order.amount is None else order.amount,
        currency=order.currency,
        methods=methods(order),
        placed_at=order.placed_at,
        hold_until=order.hold_until,
        expires_at=order.expires_at,
        paid_at=order.paid_at,
        now=now,
    )


def methods(order: Order) -> list[str]:
    """How this order may be paid."""
    if order.goods == 0:
        return ["free"]
    return [name for name in order.shop.methods if name in enabled()]


def _line_view(line: OrderLine) -> LineView:
    return LineView(
        line=line.pk,
        offer=line.offer_id,
        sku=line.sku_id,
        title=line.title,
        image=line.image,
        options=line.options,
        qty=line.qty,
        price=line.price,
    )
