"""An order called off before it was sent: its units and its money go back."""

from commerce.actions import refunds
from commerce.actions.orders import (
    being_paid,
    change_state,
    leave,
    locked,
    seen,
)
from commerce.actions.payments import StillOpen
from commerce.actions.units import not_back, restock
from commerce.clock import now_ms
from commerce.commands.orders import CancelOrder, OrderCancelled
from commerce.errors import WRONG_STATE
from commerce.models import Order, Refund
from commerce.states import LIVE, UNSENT


def cancel(user: int, command: CancelOrder) -> tuple[OrderCancelled, list[int]]:
    """Let go of a hold, or close a paid order and give all of its money back.

    For its buyer or its shop. Also the stock rows that got units. Raises `StillOpen`
    while it is being paid, `WRONG_STATE` when it was sent or is at its end.
    """
    order = locked(seen(user, command.order).pk)
    if order.state in LIVE:
        if being_paid(order):
            raise StillOpen(order.pk)
        stocks = leave(order, "cancelled", now_ms(), by=user, reason=command.reason)
        return OrderCancelled(state=order.state), stocks
    if order.state not in UNSENT:
        raise WRONG_STATE(state=order.state)
    refund, stocks = close(order, by=user, reason=command.reason)
    return OrderCancelled(
        state=order.state, refund=str(refund.pk) if refund else None
    ), stocks


def close(
    order: Order, *, by: int | None, reason: str
) -> tuple[Refund | None, list[int]]:
    """Close a locked, paid order that was not sent: refund of all, units restocked."""
    refund = refunds.refund_all(order, Refund.Reason.CANCEL, by=by, note=reason)
    change_state(order, "closed", now_ms(), by=by, reason=reason)
    return refund, restock(not_back(order), f"cancel:{order.pk}", now_ms())
