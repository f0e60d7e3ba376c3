"""Refunds, as rows: made with what they are for, sent and learned of later.

A refund is first a row; then its provider is asked, by a key that is the row's, until
it says done or failed: a crash between leaves the row due. Neighbours: settling.py
(money that fits no order), paying.py (which asks the provider).
"""

import logging
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F, Sum
from msgspec import Struct

from commerce.actions.catalog import STAFF, serves
from commerce.actions.checking import claimed
from commerce.actions.orders import locked, seen
from commerce.actions.shipping import after_refund, units_paid_back
from commerce.clock import DatabaseNow, now_ms
from commerce.commands.shipping import CreateRefund, MarkRefunded, Refunded
from commerce.errors import REFUND_EXCEEDS, WRONG_STATE
from commerce.events import RefundChanged
from commerce.models import Order, OrderLine, Payment, Refund, RefundLine
from commerce.providers import ASKED
from commerce.providers.protocol import Payback
from commerce.states import SOLD
from realtime import publish_on_commit
from realtime.exceptions import BAD_REQUEST, NOT_FOUND, PERMISSION_DENIED

log = logging.getLogger(__name__)

OPEN = (Refund.State.DUE, Refund.State.SENT)


class Share(Struct, frozen=True):
    """What goes back for one line; `qty`: for how many whole units, if for any."""

    line: int
    amount: int
    qty: int = 0


def refund(
    order: Order,
    shares: Sequence[Share],
    reason: str,
    *,
    by: int | None,
    note: str = "",
) -> Refund:
    """Give money back for lines of a locked, paid order; in the caller's transaction.

    What was paid beside the lines (shipping, duties) goes with the refund that leaves
    nothing of any line. Raises `REFUND_EXCEEDS` {left} when a line has less left,
    `BAD_REQUEST`, and `WRONG_STATE` for an order no money was taken for.
    """
    payment = order.payments.filter(use="order").first()
    if payment is None:
        raise WRONG_STATE(state=order.state)
    lines = {line.pk: line for line in order.lines.all()}
    if len({share.line for share in shares}) != len(shares):
        raise BAD_REQUEST(path="$.lines", why="a line twice")
    for index, share in enumerate(shares):
        _check(lines, share, f"$.lines[{index}]")
        lines[share.line].refunded += share.amount
    amount = sum(share.amount for share in shares)
    if not any(left(line) for line in lines.values()):
        amount = kept(payment)
    if amount > kept(payment):
        raise REFUND_EXCEEDS(left=kept(payment))
    made = _make(payment, order, amount, reason, by=by, note=note)
    for share in shares:
        lines[share.line].save(update_fields=["refunded"])
    RefundLine.objects.bulk_create(
        RefundLine(refund=made, line_id=one.line, qty=one.qty, amount=one.amount)
        for one in shares
    )
    return made


def _check(lines: dict[int, OrderLine], share: Share, path: str) -> None:
    line = lines.get(share.line)
    if line is None:
        raise BAD_REQUEST(path=f"{path}.line", why="not of this order")
    if share.qty > line.qty:
        raise BAD_REQUEST(path=f"{path}.qty", why="more than was bought")
    if share.amount > left(line):
        raise REFUND_EXCEEDS(left=left(line))


def left(line: OrderLine) -> int:
    """What of a line was paid and not given back."""
    return line.net + line.tax - line.refunded


def kept(payment: Payment) -> int:
    """What of a payment was not given back, nor is about to be."""
    back = payment.refunds.exclude(state=Refund.State.FAILED)
    return payment.amount - (back.aggregate(sum=Sum("amount"))["sum"] or 0)


def refund_all(
    order: Order, reason: str, *, by: int | None, note: str = ""
) -> Refund | None:
    """Give back all that is left of a locked, paid order; None if nothing is."""
    payment = order.payments.filter(use="order").first()
    if payment is None:
        raise WRONG_STATE(state=order.state)
    shares = [
        Share(line.pk, left(line), line.qty)
        for line in order.lines.order_by("id")
        if left(line)
    ]
    if kept(payment) == 0:
        return None
    return refund(order, shares, reason, by=by, note=note)


def give_up(payment: Payment, reason: str) -> Refund:
    """Send back, once, the whole of money that fits no order; under the order's lock.

    `reason` is `late` or `duplicate`.
    """
    return _make(payment, payment.order, payment.amount, reason, by=None, note="")


def _make(
    payment: Payment,
    order: Order,
    amount: int,
    reason: str,
    *,
    by: int | None,
    note: str,
) -> Refund:
    now = now_ms()
    made = Refund.objects.create(
        payment=payment,
        order=order,
        amount=amount,
        reason=reason,
        note=note,
        by_id=by,
        check_at=now,
        at=now,
    )
    tell(made)
    return made


def tell(refund: Refund) -> None:
    publish_on_commit(
        f"#{refund.order.buyer_id}",
        RefundChanged(
            order=str(refund.order_id),
            refund=str(refund.pk),
            amount=refund.amount,
            state=refund.state,
        ),
    )


def create_refund(user: int, command: CreateRefund) -> tuple[Refunded, list[int]]:
    """The shop gives something back, and takes nothing back for it.

    Units that it names are not sent any more, so all of their money goes back. Also the
    stock rows that got them. Raises what `refund` does, `BAD_REQUEST` for units without
    their money; for the shop's staff only.
    """
    order = locked(seen(user, command.order).pk)
    if not serves(order.shop_id, user, STAFF):
        raise PERMISSION_DENIED()
    if order.state not in {*SOLD, Order.State.CLOSED}:
        raise WRONG_STATE(state=order.state)
    shares = [Share(one.line, one.amount, one.qty or 0) for one in command.lines]
    _check_units(order, shares)
    made = refund(
        order, shares, Refund.Reason.SHOP, by=user, note=command.reason.strip()
    )
    touched = after_refund(made, now_ms(), by=user)
    return Refunded(refund=str(made.pk), state=made.state), touched


def _check_units(order: Order, shares: Sequence[Share]) -> None:
    """Units are worth their part of the line, the last of them all that is left."""
    back = units_paid_back(order)
    lines = {line.pk: line for line in order.lines.all()}
    for index, share in enumerate(shares):
        line = lines.get(share.line)
        if line is None or not share.qty:
            continue
        units = line.qty - back[line.pk]
        if share.qty > units:
            why = f"{units} of this line are left"
            raise BAD_REQUEST(path=f"$.lines[{index}].qty", why=why)
        least = left(line)
        if share.qty < units:
            least = min(least, (line.net + line.tax) * share.qty // line.qty)
        if share.amount < least:
            why = f"so many units cost {least}"
            raise BAD_REQUEST(path=f"$.lines[{index}].amount", why=why)


def mark_done(user: int, command: MarkRefunded) -> Refunded:
    """The shop gave the money back by hand. For its staff; `WRONG_STATE` otherwise."""
    found = Refund.objects.select_related("payment").filter(id=command.refund).first()
    if found is None:
        raise NOT_FOUND()
    order = locked(seen(user, str(found.order_id)).pk)
    if not serves(order.shop_id, user, STAFF):
        raise PERMISSION_DENIED()
    found.refresh_from_db()
    if found.payment.provider != "manual" or found.state not in OPEN:
        raise WRONG_STATE(state=found.state)
    apply(found, order, Payback(ref=command.reference.strip()[:64], state="done"))
    return Refunded(refund=str(found.pk), state=found.state)


class Errand(Struct, frozen=True):
    """A refund as paying.py needs it, off its row."""

    id: uuid.UUID
    provider: str
    payment_ref: str
    amount: int
    currency: str
    reason: str

    @property
    def key(self) -> str:
        return f"refund:{self.id}"


def due(provider: str, limit: int = 100) -> list[uuid.UUID]:
    """Refunds a provider should be asked for, or about."""
    found = Refund.objects.filter(
        check_at__lte=DatabaseNow(), payment__provider=provider
    ).order_by("check_at")
    return list(found.values_list("id", flat=True)[:limit])


def claim(refund_id: uuid.UUID) -> Errand | None:
    """Take one due refund."""
    found = Refund.objects.select_related("payment").filter(id=refund_id).first()
    if found is None or found.check_at is None:
        return None
    if not claimed(found):
        return None
    return Errand(
        id=found.pk,
        provider=found.payment.provider,
        payment_ref=found.payment.ref or "",
        amount=found.amount,
        currency=found.payment.currency,
        reason=found.reason,
    )


def look_again(payment: Payment) -> None:
    """There is news of the refunds of a payment: have its provider asked now."""
    payment.refunds.filter(state=Refund.State.SENT).update(check_at=DatabaseNow())


def learned(refund_id: uuid.UUID, payback: Payback) -> None:
    """What the provider says of a refund: it only goes on, from due to its end."""
    with transaction.atomic(durable=True):
        order = locked(Refund.objects.get(id=refund_id).order_id)
        apply(Refund.objects.get(id=refund_id), order, payback)


def apply(refund: Refund, order: Order, payback: Payback) -> None:
    """`learned`, in a transaction that holds the order's lock."""
    refund.order = order
    if refund.state not in OPEN:
        return
    was = refund.state
    refund.state = payback.state
    refund.ref = payback.ref or refund.ref
    if payback.state != "sent" or refund.payment.provider not in ASKED:
        # It is over, or the shop will say so: there is nobody to ask.
        refund.check_at = None
    refund.save(update_fields=["state", "ref", "check_at"])
    if payback.state == "failed":
        # The money is still ours: a person may give it back in another way.
        for share in refund.lines.all():
            OrderLine.objects.filter(id=share.line_id).update(
                refunded=F("refunded") - share.amount
            )
        Payment.objects.filter(id=refund.payment_id, use="refund").update(
            quarantined_at=now_ms(), problem="refund"
        )
        log.error("refund %s of %s failed", refund.pk, refund.amount)
    if refund.state != was:
        tell(refund)
