"""Packing, sending, receiving: an order's way once it is paid."""

import uuid
from collections import Counter
from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import F

from commerce.actions.catalog import KEEPERS, must_serve
from commerce.actions.orders import change_state, locked, seen
from commerce.actions.parcels import catch_up, tell
from commerce.actions.units import not_back, restock
from commerce.clock import DAY_MS, DatabaseNow, now_ms
from commerce.commands.shipping import (
    FixShipment,
    OrderState,
    PackOrder,
    Part,
    ReceiveOrder,
    ShipOrder,
    Shipped,
)
from commerce.errors import WRONG_STATE
from commerce.models import Order, OrderLine, Refund, RefundLine, Shipment
from commerce.states import SENT, UNSENT
from realtime.exceptions import BAD_REQUEST, NOT_FOUND

RECEIVED_AFTER_MS = 10 * DAY_MS
"""A buyer who says nothing has what was sent so long ago."""
DONE_AFTER_MS = 7 * DAY_MS


def kept(user: int, order_id: str | uuid.UUID) -> Order:
    """An order, locked, for those who pack and send in its shop."""
    order = seen(user, str(order_id))
    must_serve(order.shop_id, user, KEEPERS)
    return locked(order.pk)


def pack(user: int, command: PackOrder) -> OrderState:
    """Raises `WRONG_STATE` unless the order is paid and not packed."""
    order = kept(user, command.order)
    change_state(order, "packed", now_ms(), by=user)
    return OrderState(state=order.state)


def ship(user: int, command: ShipOrder) -> Shipped:
    """Send a parcel: some units, or all that were not sent yet.

    Raises `WRONG_STATE`; `BAD_REQUEST` for more than is left to send, or nothing.
    """
    order = kept(user, command.order)
    if order.state not in {*UNSENT, Order.State.PART_SHIPPED}:
        raise WRONG_STATE(state=order.state)
    left = unsent(order)
    parts = command.lines or [Part(line=k, qty=n) for k, n in left.items() if n]
    if not parts:
        raise BAD_REQUEST(path="$.order", why="nothing of it is left to send")
    _take(left, parts)
    now = now_ms()
    parcel = Shipment.objects.create(
        order=order,
        carrier=command.carrier.strip(),
        number=command.number.strip(),
        lines=[{"line": part.line, "qty": part.qty} for part in parts],
        at=now,
    )
    if any(left.values()):
        change_state(order, "part_shipped", now, by=user)
    else:
        close_parcels(order, now, by=user)
    tell(parcel)
    catch_up(parcel)
    return Shipped(shipment=parcel.pk)


def _take(left: Counter[int], parts: Sequence[Part]) -> None:
    for index, part in enumerate(parts):
        if part.qty > left[part.line]:
            why = f"{left[part.line]} of this line are left to send"
            raise BAD_REQUEST(path=f"$.lines[{index}]", why=why)
        left[part.line] -= part.qty


def close_parcels(order: Order, now: int, *, by: int | None = None) -> None:
    """All that will be sent is on its way."""
    change_state(order, "shipped", now, by=by, due_at=now + RECEIVED_AFTER_MS)


def unsent(order: Order) -> Counter[int]:
    """Units of each line that are still to be sent; a bundle counts as its line.

    What was given back before it was sent is not sent any more: its money, or the
    units themselves, whatever became of the money.
    """
    return Counter({line.pk: owed for line, _, owed in _not_sent(order)})


def _not_sent(order: Order) -> list[tuple[OrderLine, int, int]]:
    """Lines, the units of each that neither left nor came back, and how many of these
    are still to be sent.
    """
    paid_back, parcels = units_paid_back(order), units_sent(order)
    found = []
    for line, sold in not_back(order):
        worth, sent = line.net + line.tax, parcels[line.pk]
        given = bool(worth) and line.refunded >= worth
        owed = 0 if given else min(sold, line.qty - paid_back[line.pk])
        found.append((line, max(0, sold - sent), max(0, owed - sent)))
    return found


def units_sent(order: Order) -> Counter[int]:
    """Units of each line that are in parcels."""
    units: Counter[int] = Counter()
    for parcel in order.shipments.all():
        for part in parcel.lines:
            units[part["line"]] += part["qty"]
    return units


def units_paid_back(
    order: Order, reasons: Collection[str] = Refund.Reason.values
) -> Counter[int]:
    """Units of each line whose money went back, as its refunds say, or is about to."""
    units: Counter[int] = Counter()
    backs = RefundLine.objects.filter(refund__order=order, line__parent=None)
    backs = backs.filter(refund__reason__in=reasons)
    for back in backs.exclude(refund__state=Refund.State.FAILED):
        units[back.line_id] += back.qty
    return units


def after_refund(made: Refund, now: int, *, by: int | None) -> list[int]:
    """Money went back: what is left to send, and is any line left that was sold?

    What is not sent any more may be sold again: the stock rows that got units. An order
    of which nothing is left to send is shipped; one that was given back in all its
    lines is closed.
    """
    order = made.order
    kept = order.lines.filter(refunded__lt=F("net") + F("tax")).exists()
    touched: list[int] = []
    if order.state in {*UNSENT, Order.State.PART_SHIPPED}:
        over = order.state in UNSENT and not kept
        loose = [
            (line, here if over else here - owed)
            for line, here, owed in _not_sent(order)
        ]
        touched = restock(loose, f"refund:{made.pk}", now)
    if order.state == Order.State.PART_SHIPPED and not any(unsent(order).values()):
        close_parcels(order, now, by=by)
    if order.state in {*UNSENT, *SENT} and not kept:
        change_state(order, "closed", now, by=by, reason="refunded", due_at=None)
    return touched


def fix(user: int, command: FixShipment) -> Shipped:
    """Correct a parcel's carrier and number; what its old one told stays."""
    found = Shipment.objects.filter(id=command.shipment).first()
    if found is None:
        raise NOT_FOUND()
    kept(user, found.order_id)
    parcel = Shipment.objects.get(id=found.pk)
    parcel.carrier, parcel.number = command.carrier.strip(), command.number.strip()
    parcel.save(update_fields=["carrier", "number"])
    tell(parcel)
    catch_up(parcel)
    return Shipped(shipment=parcel.pk)


def receive(user: int, command: ReceiveOrder) -> OrderState:
    """The buyer has it. Raises `WRONG_STATE` unless all of it was sent."""
    order = Order.objects.filter(id=command.order, buyer_id=user).first()
    if order is None:
        raise NOT_FOUND()
    order = locked(order.pk)
    now = now_ms()
    change_state(order, "received", now, by=user, due_at=now + DONE_AFTER_MS)
    return OrderState(state=order.state)


def due(limit: int = 200) -> list[uuid.UUID]:
    """Orders that move on by themselves now, the longest due first."""
    found = Order.objects.filter(due_at__lte=DatabaseNow()).order_by("due_at")
    return list(found.values_list("id", flat=True)[:limit])


def move_on(order_id: uuid.UUID) -> None:
    """Shipped long enough ago: received; received: done. One transaction."""
    with transaction.atomic(durable=True):
        order = locked(order_id)
        now = now_ms()
        if order.due_at is None or order.due_at > now:
            return
        if order.state == Order.State.SHIPPED:
            later = now + DONE_AFTER_MS
            change_state(order, "received", now, reason="time", due_at=later)
        elif order.state == Order.State.RECEIVED:
            change_state(order, "done", now, reason="time", due_at=None)
        else:
            Order.objects.filter(id=order.pk).update(due_at=None)
