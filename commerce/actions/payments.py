"""Attempts to pay, as rows: begun, started, due to be asked about. Transactions only.

Neighbours: paying.py, which talks to providers between them; settling.py, where money
comes in. A payment changes only under its order's lock.
"""

import uuid
from dataclasses import dataclass

from django.db import transaction
from msgspec import Struct

from commerce.actions.checking import FIRST_CHECK_MS, claimed
from commerce.actions.orders import (
    being_paid,
    change_state,
    locked,
    methods,
    to_pay,
)
from commerce.actions.settling import (
    PAY_MS,
    locked_payment,
    settle,
    state_of,
    unhandled,
)
from commerce.clock import DatabaseNow, now_ms
from commerce.commands.orders import PayOrder
from commerce.errors import ADDRESS_REQUIRED, HOLD_EXPIRED, WRONG_STATE
from commerce.models import Order, Payment
from commerce.providers.protocol import Bill, Charge, Intent
from commerce.states import LIVE, OPEN, raises
from realtime.exceptions import BAD_REQUEST, CONFLICT, NOT_FOUND

GRACE_MS = 60_000


class Begun(Struct, frozen=True):
    """What `once` keeps of an `order.pay`; the rest of the reply is in the row."""

    payment: str
    expires_at: int | None


class Attempt(Struct, frozen=True):
    """A payment as paying.py needs it, off its row."""

    id: uuid.UUID
    order: uuid.UUID
    provider: str
    key: str
    ref: str | None
    redirect: str
    bill: Bill
    order_over: bool
    """The order was paid, or let go of its units: nobody should pay it any more."""
    failed: bool

    @property
    def declined(self) -> Charge:
        """What a provider that will not begin it says of it."""
        return Charge("failed", self.bill.amount, self.bill.currency)


@dataclass
class StillOpen(Exception):
    """An earlier attempt might still be paid; it must be ended first."""

    order: uuid.UUID


def begin(user: int, command: PayOrder) -> Begun:
    """Fix the amount and make an attempt; a free order is paid at once.

    By hand (`manual`) the units stay held without a limit: the shop or the buyer ends
    that.

    Raises `HOLD_EXPIRED`, `WRONG_STATE`, `CONFLICT` for another version,
    `ADDRESS_REQUIRED`, `StillOpen`.
    """
    order = Order.objects.filter(id=command.order, buyer_id=user).first()
    if order is None:
        raise NOT_FOUND()
    order = locked(order.pk)
    now = now_ms()
    _check(order, command, now)
    attempt = order.payments.count() + 1
    key = f"order:{order.pk}:{attempt}"
    by_hand = command.method == "manual"
    expires_at = None if by_hand else order.expires_at or now
    if attempt == 1 and expires_at is not None:
        expires_at = max(expires_at, now + PAY_MS)
    amount = to_pay(order)
    payment = Payment.objects.create(
        order=order,
        attempt=attempt,
        provider=command.method,
        key=key,
        ref=key if by_hand else None,
        state=Payment.State.STARTED if by_hand else Payment.State.CREATED,
        amount=amount,
        currency=order.currency,
        expires_at=expires_at or order.hold_until,
        check_at=None if by_hand else now + FIRST_CHECK_MS,
    )
    change_state(order, "paying", now, by=user, amount=amount, expires_at=expires_at)
    if command.method == "free":
        settle(payment, now)
    return Begun(payment=str(payment.pk), expires_at=expires_at)


def _check(order: Order, command: PayOrder, now: int) -> None:
    expired = order.state in LIVE and order.expires_at and order.expires_at <= now
    if order.state == Order.State.EXPIRED or expired:
        raise HOLD_EXPIRED(expired_at=order.expires_at or order.hold_until)
    if order.state not in LIVE:
        raise WRONG_STATE(state=order.state)
    if command.version != order.version:
        raise CONFLICT(version=order.version)
    if order.shop.shipping and order.address is None:
        raise ADDRESS_REQUIRED()
    if command.method not in methods(order):
        raise BAD_REQUEST(path="$.method", why="not a way to pay this order")
    if being_paid(order):
        raise StillOpen(order.pk)


def open_attempts(order: uuid.UUID) -> list[Attempt]:
    """The attempts whose provider may still take the money."""
    found = Payment.objects.filter(
        order_id=order, state__in=OPEN, quarantined_at=None
    ).order_by("attempt")
    return [_attempt(payment) for payment in found.select_related("order__shop")]


def attempt(payment: uuid.UUID | str) -> Attempt:
    found = Payment.objects.select_related("order__shop")
    return _attempt(found.get(id=payment))


def _attempt(payment: Payment) -> Attempt:
    order = payment.order
    line = order.lines.order_by("id").first()
    return Attempt(
        id=payment.pk,
        order=order.pk,
        provider=payment.provider,
        key=payment.key,
        ref=payment.ref,
        redirect=payment.redirect,
        bill=Bill(
            order=str(order.pk),
            amount=payment.amount,
            currency=payment.currency,
            shop=order.shop.name,
            title=line.title if line else "",
        ),
        order_over=order.state not in LIVE,
        failed=payment.state == Payment.State.FAILED,
    )


def started(payment_id: uuid.UUID, intent: Intent) -> None:
    """The provider knows the attempt. News that came before is looked into at once."""
    with transaction.atomic(durable=True):
        payment = locked_payment(payment_id)
        payment.ref = intent.ref
        payment.redirect = intent.redirect or ""
        if raises(state_of(payment), "started"):
            payment.state = Payment.State.STARTED
        if unhandled(payment).exists():
            payment.check_at = now_ms()
        payment.save(update_fields=["ref", "redirect", "state", "check_at"])


def due(provider: str, limit: int = 100) -> list[uuid.UUID]:
    """Payments a provider should be asked about."""
    found = Payment.objects.filter(check_at__lte=DatabaseNow(), provider=provider)
    found = found.order_by("check_at")
    return list(found.values_list("id", flat=True)[:limit])


def claim(payment_id: uuid.UUID) -> Attempt | None:
    """Take one due payment."""
    payment = Payment.objects.filter(id=payment_id).first()
    if payment is None or payment.check_at is None:
        return None
    return attempt(payment_id) if claimed(payment) else None


def grace(order_id: uuid.UUID) -> bool:
    """Give a due hold one minute more, its provider being away; False if it had it."""
    with transaction.atomic(durable=True):
        order = locked(order_id)
        now = now_ms()
        due = order.expires_at is not None and order.expires_at <= now
        if order.state not in LIVE or not due or order.grace:
            return False
        until = now + GRACE_MS
        change_state(
            order, order.state, now, reason="grace", grace=True, expires_at=until
        )
        return True
