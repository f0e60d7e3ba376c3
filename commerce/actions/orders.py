"""What happens to an order after its hold: paid, expired, cancelled.

Each change of state is one conditional update of the order's row, one OrderChange and
one event on commit. Locks are taken in one order everywhere: existing orders, stock
rows by id, tallies; nothing locks an existing order while it holds a stock row.
"""

import uuid
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from commerce.actions.catalog import STAFF, serves
from commerce.actions.queue import follow
from commerce.actions.units import give_back
from commerce.clock import DatabaseNow, now_ms
from commerce.errors import WRONG_STATE
from commerce.events import OrderChanged
from commerce.models import Order, OrderChange, Payment
from commerce.providers import takes
from commerce.states import LIVE, OPEN, OrderState, may_change
from realtime import publish_on_commit
from realtime.exceptions import NOT_FOUND


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
    follow(order)
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


def due_unpaid(limit: int = 200) -> list[uuid.UUID]:
    """Due holds that no provider may be taking money for."""
    found = Order.objects.filter(state__in=LIVE, expires_at__lte=DatabaseNow())
    found = found.exclude(Exists(_open_payments(OuterRef("id"))))
    return list(found.order_by("expires_at").values_list("id", flat=True)[:limit])


def due_paying(provider: str, limit: int = 200) -> list[uuid.UUID]:
    """Due holds for which `provider` must be asked first."""
    found = Order.objects.filter(state__in=LIVE, expires_at__lte=DatabaseNow())
    found = found.filter(
        Exists(_open_payments(OuterRef("id")).filter(provider=provider))
    )
    return list(found.order_by("expires_at").values_list("id", flat=True)[:limit])


def _open_payments(order: Any) -> QuerySet[Payment]:
    return Payment.objects.filter(order=order, state__in=OPEN, quarantined_at=None)


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
        if not unasked and being_paid(order):
            return []
        return leave(order, "expired", now, reason="time")


def being_paid(order: Order) -> bool:
    """A provider may still take money for it: ask it first."""
    return _open_payments(order).exists()


def expire_due(stock: int) -> None:
    """Take back the due holds of one stock row: what a teller does before it asks."""
    for order in due(50, stock):
        expire(order)


def seen(user: int, order_id: str) -> Order:
    """An order its buyer or its shop's staff asks for; to others there is none."""
    order = Order.objects.filter(id=order_id).first()
    if order is None or not (
        order.buyer_id == user or serves(order.shop_id, user, STAFF)
    ):
        raise NOT_FOUND()
    return order


def to_pay(order: Order) -> int:
    """What paying takes: the quote's sum, or, without one, the goods'."""
    return order.goods if order.amount is None else order.amount


def methods(order: Order) -> list[str]:
    """How this order may be paid."""
    if to_pay(order) == 0:
        return ["free"]
    return [name for name in order.shop.methods if takes(name, order.currency)]
