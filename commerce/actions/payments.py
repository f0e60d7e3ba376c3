"""Attempts to pay, as rows: begun, started, settled, failed. Transactions only.

Neighbour: paying.py, which talks to providers between them. A payment changes only
under its order's lock. Money that fits no order is never lost: its payment is settled
and quarantined, and a person decides; refunds are a later matter.
"""

import logging
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, QuerySet
from msgspec import Struct

from commerce.actions.orders import change_state, locked, methods, to_pay
from commerce.actions.units import counted, take_again, write_moves
from commerce.clock import DatabaseNow, now_ms
from commerce.commands.orders import PayOrder
from commerce.errors import ADDRESS_REQUIRED, HOLD_EXPIRED, WRONG_STATE
from commerce.events import PaymentChanged
from commerce.models import Inbox, Move, Order, Payment
from commerce.providers.protocol import Bill, Charge, Intent, ProviderEvent
from commerce.states import LEFT, LIVE, OPEN, PaymentState, raises
from realtime import publish_on_commit
from realtime.exceptions import BAD_REQUEST, CONFLICT, NOT_FOUND

log = logging.getLogger(__name__)

PAY_MS = 180_000
"""A buyer who begins to pay has at least this long, once."""
FIRST_CHECK_MS = 5_000
LAST_CHECK_MS = 30_000


class Begun(Struct, frozen=True):
    """What `once` keeps of an `order.pay`; the rest of the reply is in the row."""

    payment: str
    expires_at: int


class Attempt(Struct, frozen=True):
    """A payment as paying.py needs it, off its row."""

    id: uuid.UUID
    order: uuid.UUID
    provider: str
    key: str
    ref: str | None
    redirect: str
    bill: Bill
    order_left: bool
    """The order let go of its units: nobody should pay it any more."""


@dataclass
class StillOpen(Exception):
    """An earlier attempt might still be paid; it must be ended first."""

    order: uuid.UUID


def begin(user: int, command: PayOrder) -> Begun:
    """Fix the amount and make an attempt; a free order is paid at once.

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
    expires_at = order.expires_at or now
    if attempt == 1:
        expires_at = max(expires_at, now + PAY_MS)
    amount = to_pay(order)
    payment = Payment.objects.create(
        order=order,
        attempt=attempt,
        provider=command.method,
        key=f"order:{order.pk}:{attempt}",
        amount=amount,
        currency=order.currency,
        expires_at=expires_at,
        check_at=now + FIRST_CHECK_MS,
    )
    change_state(order, "paying", now, by=user, amount=amount, expires_at=expires_at)
    if command.method == "free":
        _settle(order, payment, now)
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
    if open_payments(order).exists():
        raise StillOpen(order.pk)


def open_payments(order: Order) -> QuerySet[Payment]:
    """The attempts whose provider may still take the money."""
    return order.payments.filter(state__in=OPEN, quarantined_at=None)


def open_attempts(order: uuid.UUID) -> list[Attempt]:
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
        order_left=order.state in LEFT,
    )


def started(payment_id: uuid.UUID, intent: Intent) -> None:
    """The provider knows the attempt. News that came before is looked into at once."""
    with transaction.atomic(durable=True):
        payment = _locked(payment_id)
        payment.ref = intent.ref
        payment.redirect = intent.redirect or ""
        if raises(_state(payment), "started"):
            payment.state = Payment.State.STARTED
        if _unhandled(payment).exists():
            payment.check_at = now_ms()
        payment.save(update_fields=["ref", "redirect", "state", "check_at"])


def _locked(payment_id: uuid.UUID) -> Payment:
    payment = Payment.objects.get(id=payment_id)
    order = locked(payment.order_id)
    payment.refresh_from_db()
    payment.order = order
    return payment


def _state(payment: Payment) -> PaymentState:
    state: PaymentState = payment.state  # type: ignore[assignment] # a CharField is a str
    return state


def _unhandled(payment: Payment) -> QuerySet[Inbox]:
    return Inbox.objects.filter(
        provider=payment.provider, ref=payment.ref, handled_at=None
    )


def received(provider: str, event: ProviderEvent, raw: bytes) -> None:
    """Verified news: kept once, and applied in the same transaction.

    Raises nothing for news we had, or of a payment we do not know yet.
    """
    with transaction.atomic(durable=True):
        now = now_ms()
        _, fresh = Inbox.objects.get_or_create(
            provider=provider,
            event_id=event.id,
            defaults={
                "kind": event.kind,
                "ref": event.ref,
                "raw": raw,
                "received_at": now,
            },
        )
        payment = Payment.objects.filter(provider=provider, ref=event.ref).first()
        if fresh and payment is not None:
            _apply(payment.pk, event.charge, ours=False)


def learned(payment_id: uuid.UUID, charge: Charge, *, ours: bool = False) -> None:
    """What we asked the provider for. `ours`: the attempt was ended by ourselves."""
    with transaction.atomic(durable=True):
        _apply(payment_id, charge, ours=ours)


def _apply(payment_id: uuid.UUID, charge: Charge, *, ours: bool) -> None:
    """Move a payment, and by it its order, as far as the table of states lets it."""
    payment = _locked(payment_id)
    now = now_ms()
    _unhandled(payment).update(handled_at=now)
    if not raises(_state(payment), charge.state):
        return
    if charge.state == "settled":
        if (charge.amount, charge.currency) != (payment.amount, payment.currency):
            _quarantine(payment, "amount", now)
        else:
            _settle(payment.order, payment, now)
        return
    payment.state = charge.state
    final = charge.state not in OPEN
    payment.check_at = None if final else payment.check_at
    payment.save(update_fields=["state", "check_at"])
    _tell(payment)
    # Ended by ourselves, the order keeps its version: whoever ends it goes on from it.
    if final and not ours and payment.order.state == Order.State.PAYING:
        change_state(payment.order, "held", now, reason=charge.state)


def _settle(order: Order, payment: Payment, now: int) -> None:
    """Money came: it pays the order, or it waits for a person."""
    payment.state = Payment.State.SETTLED
    payment.check_at = None
    if order.state in LEFT and take_again(order, now) is None:
        _quarantine(payment, "late", now)
    elif order.state == Order.State.PAID:
        _quarantine(payment, "duplicate", now)
    else:
        payment.use = "order"
        payment.quarantined_at, payment.problem = None, ""
        payment.save()
        change_state(
            order, "paid", now, paid_at=now, amount=payment.amount, expires_at=None
        )
        write_moves(counted(order), Move.Kind.SELL, now, sign=0)
        _tell(payment)


def _quarantine(payment: Payment, problem: str, now: int) -> None:
    payment.check_at = None
    payment.quarantined_at = now
    payment.problem = problem
    payment.save()
    log.error("payment %s is quarantined: %s", payment.pk, problem)
    _tell(payment)


def _tell(payment: Payment) -> None:
    publish_on_commit(
        f"#{payment.order.buyer_id}",
        PaymentChanged(
            order=str(payment.order_id),
            payment=str(payment.pk),
            state=payment.state,
            reason=payment.problem or None,
        ),
    )


def due(limit: int = 100) -> list[uuid.UUID]:
    """Payments their providers should be asked about."""
    found = Payment.objects.filter(check_at__lte=DatabaseNow()).order_by("check_at")
    return list(found.values_list("id", flat=True)[:limit])


def claim(payment_id: uuid.UUID) -> Attempt | None:
    """Take one due payment, and say when it is due again: 5 s doubling to 30 s."""
    payment = Payment.objects.filter(id=payment_id).first()
    if payment is None or payment.check_at is None:
        return None
    wait = min(FIRST_CHECK_MS * 2 ** min(payment.checks, 5), LAST_CHECK_MS)
    mine = Payment.objects.filter(id=payment_id, check_at=payment.check_at).update(
        check_at=DatabaseNow() + wait, checks=F("checks") + 1
    )
    return attempt(payment_id) if mine == 1 else None


def grace(order_id: uuid.UUID) -> bool:
    """Give a due hold one minute more, its provider being away; False if it had it."""
    return (
        Order.objects.filter(id=order_id, state__in=LIVE, grace=False).update(
            grace=True, expires_at=DatabaseNow() + 60_000
        )
        == 1
    )
