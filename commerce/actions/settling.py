"""What became of payments: news comes in, an order is paid, or the money goes back.

Transactions only; a payment changes under its order's lock, and its state has a rank
that only rises. Money for an order that let go of its units takes them again; if there
are none, or the order was paid already, all of it is sent back by a refund. Money of
another amount than was asked for waits for a person. Neighbour: payments.py (attempts).
"""

import logging
import uuid

from django.db import transaction
from django.db.models import QuerySet

from commerce.actions import refunds
from commerce.actions.catalog import STAFF, serves
from commerce.actions.orders import change_state, locked, seen, to_pay
from commerce.actions.units import counted, take_again, write_moves
from commerce.clock import now_ms
from commerce.commands.shipping import MarkPaid, OrderState
from commerce.errors import WRONG_STATE
from commerce.events import PaymentChanged
from commerce.models import Inbox, Move, Order, Payment, Refund
from commerce.providers.protocol import Charge, ProviderEvent
from commerce.states import LEFT, LIVE, OPEN, PaymentState, raises
from realtime import publish_on_commit
from realtime.exceptions import PERMISSION_DENIED
from realtime.failpoints import failpoint

log = logging.getLogger(__name__)

PAY_MS = 180_000
"""A buyer who begins to pay has at least this long, once."""


def locked_payment(payment_id: uuid.UUID) -> Payment:
    """A payment and its order, locked until the transaction ends."""
    payment = Payment.objects.get(id=payment_id)
    order = locked(payment.order_id)
    payment.refresh_from_db()
    payment.order = order
    return payment


def state_of(payment: Payment) -> PaymentState:
    state: PaymentState = payment.state  # type: ignore[assignment] # a CharField is a str
    return state


def unhandled(payment: Payment) -> QuerySet[Inbox]:
    """News of it that came before we knew its name."""
    return Inbox.objects.filter(
        provider=payment.provider, ref=payment.ref, handled_at=None
    )


def received(provider: str, event: ProviderEvent, raw: bytes) -> None:
    """Verified news: kept once, and applied in the same transaction.

    Raises nothing for news we had, or of a payment we do not know yet.
    """
    with transaction.atomic(durable=True):
        _, fresh = Inbox.objects.get_or_create(
            provider=provider,
            event_id=event.id,
            defaults={
                "kind": event.kind,
                "ref": event.ref,
                "raw": raw,
                "received_at": now_ms(),
            },
        )
        if fresh:
            _read(provider, event)
        failpoint("payments.before_commit")
    failpoint("payments.after_commit")


def _read(provider: str, event: ProviderEvent) -> None:
    """Apply news, or have its provider asked what it means."""
    payment = Payment.objects.filter(provider=provider, ref=event.ref).first()
    if payment is not None and event.charge is not None:
        apply(payment.pk, event.charge, ours=False)
        return
    if payment is not None:
        refunds.look_again(payment)
    if payment is not None or not event.ref:
        news = Inbox.objects.filter(provider=provider, event_id=event.id)
        news.update(handled_at=now_ms())


def learned(payment_id: uuid.UUID, charge: Charge, *, ours: bool = False) -> None:
    """What we asked the provider for. `ours`: the attempt was ended by ourselves."""
    with transaction.atomic(durable=True):
        apply(payment_id, charge, ours=ours)
        failpoint("payments.before_commit")
    failpoint("payments.after_commit")


def apply(payment_id: uuid.UUID, charge: Charge, *, ours: bool) -> None:
    """Move a payment, and by it its order, as far as the table of states lets it."""
    payment = locked_payment(payment_id)
    now = now_ms()
    wrong = (charge.amount, charge.currency) != (payment.amount, payment.currency)
    problem = "amount" if charge.state == "settled" and wrong else ""
    unhandled(payment).update(handled_at=now, problem=problem)
    if not raises(state_of(payment), charge.state):
        return
    if charge.state == "settled":
        quarantine(payment, now) if wrong else settle(payment, now)
        return
    payment.state = charge.state
    final = charge.state not in OPEN
    payment.check_at = None if final else payment.check_at
    if charge.state == "failed" and payment.quarantined_at is None:
        payment.problem = "declined"
    payment.save(update_fields=["state", "check_at", "problem"])
    _tell(payment)
    if final and payment.order.state in LIVE and payment.order.expires_at is None:
        # It was to be paid by hand, without a limit; now time runs again.
        payment.order.expires_at = now + PAY_MS
        payment.order.save(update_fields=["expires_at"])
    # Ended by ourselves, the order keeps its version: whoever ends it goes on from it.
    # Its provider may say so before we read its answer: `cancelled` changes nothing.
    declined = charge.state == "failed" and not ours
    if declined and payment.order.state == Order.State.PAYING:
        change_state(payment.order, "held", now, reason=charge.state)


def settle(
    payment: Payment, now: int, *, by: int | None = None, reason: str = ""
) -> None:
    """Money came, of the right amount: it pays its locked order, or it goes back."""
    order = payment.order
    payment.state = Payment.State.SETTLED
    payment.check_at = None
    payment.quarantined_at, payment.problem = None, ""
    if order.state not in {*LIVE, *LEFT}:
        _send_back(payment, Refund.Reason.DUPLICATE)
    elif payment.amount != to_pay(order):
        # An attempt given up long ago, and quoted anew since.
        _send_back(payment, Refund.Reason.LATE)
    elif order.state in LEFT and take_again(order, now) is None:
        _send_back(payment, Refund.Reason.LATE)
    else:
        payment.use = "order"
        payment.save()
        change_state(
            order,
            "paid",
            now,
            by=by,
            reason=reason,
            paid_at=now,
            amount=payment.amount,
            expires_at=None,
        )
        write_moves(counted(order), Move.Kind.SELL, now, sign=0)
        _tell(payment)


def _send_back(payment: Payment, reason: Refund.Reason) -> None:
    payment.use = "refund"
    payment.problem = reason
    payment.save()
    _tell(payment)
    refunds.give_up(payment, reason)


def quarantine(payment: Payment, now: int) -> None:
    """Another amount or currency than we asked for: a person decides."""
    payment.check_at = None
    payment.quarantined_at = now
    payment.problem = "amount"
    payment.save()
    log.error("payment %s is quarantined: another amount", payment.pk)
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


def mark_paid(user: int, command: MarkPaid) -> OrderState:
    """The shop has the money of its newest attempt by hand or transfer.

    Also for an order that was let go of meanwhile: late money, as any. Raises
    `WRONG_STATE` for one that is not paid by hand, or was; for the shop's staff only.
    """
    order = locked(seen(user, command.order).pk)
    if not serves(order.shop_id, user, STAFF):
        raise PERMISSION_DENIED()
    manual = order.payments.filter(provider="manual").exclude(state="settled")
    payment = manual.order_by("-attempt").first()
    if payment is None or order.state not in {*LIVE, *LEFT}:
        raise WRONG_STATE(state=order.state)
    payment.order = order
    settle(payment, now_ms(), by=user, reason=command.reference.strip())
    return OrderState(state=order.state)
