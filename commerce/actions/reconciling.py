"""After a restore: what the provider's books have and ours lost is written again.

Transactions only; the command `souk reconcile` asks the provider. All of it may be
repeated: a gap that was closed is none any more.
"""

import uuid

from django.db import transaction
from django.db.models import Max
from msgspec import Struct

from commerce.actions import refunds, settling
from commerce.actions.orders import locked
from commerce.actions.shipping import after_refund
from commerce.clock import now_ms
from commerce.models import Order, OrderLine, Payment, Refund, RefundLine
from commerce.providers.protocol import Past, PastRefund


class Gap(Struct, frozen=True):
    """Something the two books said differently; `open`: a person must look at it."""

    what: str
    ref: str
    order: str
    amount: int
    currency: str
    open: bool = False

    def __str__(self) -> str:
        mark = "OPEN " if self.open else ""
        return (
            f"{mark}{self.what}: {self.ref}, {self.amount} {self.currency}, "
            f"order {self.order or 'unknown'}"
        )


def close(provider: str, past: Past) -> list[Gap] | None:
    """Bring our rows up to one attempt in the provider's books; what was missing.

    None for an attempt of an order we do not have: nothing here can take its money.
    """
    with transaction.atomic(durable=True):
        payment, gaps = _payment(provider, past)
        if payment is None:
            return None
        was = payment.state
        settling.apply(payment.pk, past.charge, ours=False)
        payment.refresh_from_db()
        if payment.quarantined_at is not None:
            gaps.append(_gap(past, payment, "its money waits for a person", open=True))
        elif payment.state != was:
            gaps.append(_gap(past, payment, f"was {was}, is {payment.state}"))
        payment.order = locked(payment.order_id)
        return gaps + _refunds(payment, past)


def _gap(past: Past, payment: Payment, what: str, *, open: bool = False) -> Gap:
    return Gap(
        what=what,
        ref=past.ref,
        order=str(payment.order_id),
        amount=past.charge.amount,
        currency=past.charge.currency,
        open=open,
    )


def _payment(provider: str, past: Past) -> tuple[Payment | None, list[Gap]]:
    """Our row of an attempt, made anew if it was lost."""
    mine = Payment.objects.filter(provider=provider)
    payment = mine.filter(ref=past.ref).first()
    if payment is not None:
        return payment, []
    payment = mine.filter(key=past.key, ref=None).first()
    if payment is not None:
        payment = settling.locked_payment(payment.pk)
        if payment.ref is not None:
            return payment, []
        payment.ref = past.ref
        payment.save(update_fields=["ref"])
        return payment, [_gap(past, payment, "had no name")]
    order = _order(past.key)
    if order is None:
        return None, []
    last = order.payments.aggregate(last=Max("attempt"))["last"] or 0
    payment = Payment.objects.create(
        order=order,
        attempt=last + 1,
        provider=provider,
        key=past.key,
        ref=past.ref,
        amount=past.charge.amount,
        currency=past.charge.currency,
        state=Payment.State.STARTED,
        expires_at=order.hold_until,
        check_at=now_ms(),
    )
    return payment, [_gap(past, payment, "was missing")]


def _order(key: str) -> Order | None:
    """The locked order of an attempt's key, `order:<id>:<attempt>`."""
    kind, _, rest = key.partition(":")
    try:
        order = uuid.UUID(rest.partition(":")[0])
    except ValueError:
        return None
    if kind != "order" or not Order.objects.filter(id=order).exists():
        return None
    return locked(order)


def _refunds(payment: Payment, past: Past) -> list[Gap]:
    gaps = []
    for back in past.refunds:
        row = _known(payment, back)
        if row is None and back.payback.state == "failed":
            continue
        if row is None and payment.state != Payment.State.SETTLED:
            what = "gave back what waits for a person"
            gaps.append(_gap(past, payment, what, open=True))
        elif row is None:
            _record(payment, back)
            gaps.append(_gap(past, payment, f"gave back {back.amount}, unknown here"))
        elif row.state in refunds.OPEN:
            refunds.apply(row, payment.order, back.payback)
            gaps.append(_gap(past, payment, f"a refund is {back.payback.state}"))
    named = {back.payback.ref for back in past.refunds}
    for row in payment.refunds.filter(state=Refund.State.DONE):
        if row.ref not in named:
            what = f"refund {row.pk} is not in the provider's books"
            gaps.append(_gap(past, payment, what, open=True))
    return gaps


def _known(payment: Payment, back: PastRefund) -> Refund | None:
    """Our row of a refund: by its key, its name, or because it is the same again.

    A refund that we made after the restore and did not send yet is taken for the lost
    one of its amount: money goes back once.
    """
    of = payment.refunds
    try:
        found = of.filter(id=uuid.UUID(back.key.removeprefix("refund:"))).first()
    except ValueError:
        found = None
    found = found or of.filter(ref=back.payback.ref).first()
    unsent = of.filter(amount=back.amount, ref=None, state=Refund.State.DUE)
    return found or unsent.first()


def _record(payment: Payment, back: PastRefund) -> None:
    """Write a lost refund again, under the id it had. Its lines are filled in order."""
    try:
        id = uuid.UUID(back.key.removeprefix("refund:"))
    except ValueError:
        id = uuid.uuid4()
    reason = back.reason if back.reason in Refund.Reason.values else Refund.Reason.SHOP
    if payment.use == "order" and reason in ("late", "duplicate"):
        reason = Refund.Reason.SHOP
    now = now_ms()
    made = Refund.objects.create(
        id=id,
        payment=payment,
        order=payment.order,
        amount=back.amount,
        reason=reason,
        note="reconciled",
        state=back.payback.state,
        ref=back.payback.ref,
        check_at=now if back.payback.state == "sent" else None,
        at=now,
    )
    if payment.use == "order":
        rest = back.amount
        for line in payment.order.lines.order_by("id"):
            share = min(rest, refunds.left(line))
            rest -= share
            _give(made, line, share)
        # Of a cancelled order the cancelling was lost, too.
        after_refund(made, now, by=None)
    refunds.tell(made)


def _give(refund: Refund, line: OrderLine, share: int) -> None:
    if share == 0:
        return
    line.refunded += share
    line.save(update_fields=["refunded"])
    RefundLine.objects.create(refund=refund, line=line, amount=share)


def strangers(provider: str, since: int, refs: set[str]) -> list[Gap]:
    """Money we think we have, of orders placed since (epoch s), that is in no book."""
    settled = Payment.objects.filter(
        provider=provider, state="settled", order__placed_at__gte=since * 1000
    )
    return [
        Gap(
            what="is not in the provider's books",
            ref=payment.ref or "",
            order=str(payment.order_id),
            amount=payment.amount,
            currency=payment.currency,
            open=True,
        )
        for payment in settled.order_by("order__placed_at")
        if payment.ref not in refs
    ]
