"""Orders as their buyers and shops read them."""

import uuid
from typing import Any, Literal

from django.db.models import Prefetch, Q, QuerySet

from commerce.actions.catalog import STAFF, must_serve
from commerce.actions.orders import methods, seen, to_pay
from commerce.clock import now_ms
from commerce.commands.ids import Cursor
from commerce.commands.orders import (
    LineView,
    ListMyOrders,
    ListShopOrders,
    OrderList,
    OrderView,
)
from commerce.commands.quotes import AddressView, TaxLine
from commerce.commands.shipping import (
    AfterSaleView,
    ChangeView,
    Part,
    RefundView,
    ShipmentView,
)
from commerce.models import (
    AfterSale,
    Order,
    OrderChange,
    OrderLine,
    Refund,
    Shipment,
    Shop,
)
from commerce.states import CODES, OrderState
from realtime.exceptions import BAD_REQUEST, NOT_FOUND

HISTORY = 100
"""Of an order's changes and after-sales, which its buyer can make as many as they
like, so many are shown: the last."""


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
    wishes = AfterSale.objects.order_by("-id")
    changes = OrderChange.objects.order_by("-version")
    rows = orders.select_related("shop", "buyer").prefetch_related(
        "lines",
        "shipments",
        "refunds__lines",
        Prefetch("aftersales", wishes[:HISTORY], "last_wishes"),
        Prefetch("changes", changes[:HISTORY], "last_changes"),
    )
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
        lines=[_line_view(line) for line in by_id(order.lines)],
        goods=order.goods,
        discount=order.discount,
        shipping=order.shipping,
        taxes=[TaxLine(**tax) for tax in order.taxes],
        amount=to_pay(order),
        currency=order.currency,
        needs_address=bool(order.shop.shipping),
        address=AddressView(**order.address) if order.address else None,
        methods=methods(order),
        shipments=[_shipment_view(parcel) for parcel in by_id(order.shipments)],
        refunds=[_refund_view(refund) for refund in by_at(order.refunds)],
        aftersales=[_aftersale_view(wish) for wish in last(order, "last_wishes")],
        changes=[_change_view(order, one) for one in last(order, "last_changes")],
        placed_at=order.placed_at,
        hold_until=order.hold_until,
        expires_at=order.expires_at,
        paid_at=order.paid_at,
        now=now,
    )


def by_id(rows: Any) -> list[Any]:
    """What was read already, the oldest first."""
    return sorted(rows.all(), key=lambda row: row.pk)


def last(order: Order, name: str) -> list[Any]:
    """The end of a history, as it was read with the order, the oldest first."""
    read: list[Any] = getattr(order, name)
    return read[::-1]


def by_at(rows: Any) -> list[Any]:
    return sorted(rows.all(), key=lambda row: row.at)


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
        discount=line.discount,
        tax=line.tax,
        refunded=line.refunded,
        parent=line.parent_id,
    )


def _shipment_view(parcel: Shipment) -> ShipmentView:
    return ShipmentView(
        shipment=parcel.pk,
        carrier=parcel.carrier,
        number=parcel.number,
        lines=[Part(**part) for part in parcel.lines],
        events=parcel.events,
        state=parcel.state,
        at=parcel.at,
    )


def _refund_view(refund: Refund) -> RefundView:
    return RefundView(
        refund=str(refund.pk),
        amount=refund.amount,
        lines=[
            Part(line=share.line_id, qty=share.qty)
            for share in by_id(refund.lines)
            if share.qty
        ],
        reason=refund.reason,
        state=refund.state,
        at=refund.at,
    )


def _aftersale_view(wish: AfterSale) -> AfterSaleView:
    return AfterSaleView(
        aftersale=wish.pk,
        kind=wish.kind,
        lines=[Part(**part) for part in wish.lines],
        reason=wish.reason,
        media=wish.media,
        note=wish.note,
        carrier=wish.carrier,
        number=wish.number,
        state=wish.state,
        due_at=wish.due_at,
        refund=str(wish.refund_id) if wish.refund_id else None,
        replacement=str(wish.replacement_id) if wish.replacement_id else None,
        at=wish.at,
    )


def _change_view(order: Order, change: OrderChange) -> ChangeView:
    by: Literal["buyer", "shop"] | None = None
    if change.by_id is not None:
        by = "buyer" if change.by_id == order.buyer_id else "shop"
    return ChangeView(
        version=change.version,
        was=change.was,
        state=change.state,
        by=by,
        reason=change.reason,
        at=change.at,
    )
