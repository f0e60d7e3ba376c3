"""Paying as a conversation with a provider: on the loop, between transactions.

A crash between any two steps leaves rows that say what is due: an attempt is started
again with the same key, a charge is asked for again.
"""

import logging
import uuid
from functools import partial

from commerce.actions import closing, orders, payments, refunds, settling
from commerce.actions.payments import Attempt, Begun, StillOpen
from commerce.actions.touching import once_touching
from commerce.commands.orders import CancelOrder, OrderCancelled, PayOrder, PayStarted
from commerce.errors import PAYMENT_DECLINED, PAYMENT_UNAVAILABLE
from commerce.providers import ASKED, provider
from commerce.providers.protocol import Charge, Declined, Payback, ProviderDown
from commerce.states import OPEN
from realtime import db, once
from realtime.exceptions import BUSY, CommandError

log = logging.getLogger(__name__)


async def pay(user: int, command: PayOrder) -> PayStarted:
    """Begin to pay; the same key gives the same attempt and the same answer.

    Raises what `payments.begin` does, `PAYMENT_UNAVAILABLE` while the provider is away,
    `PAYMENT_DECLINED` when it will not begin: then the order is held as before.
    """
    begin = partial(payments.begin, user, command)
    for _ in range(3):
        try:
            begun = await db(once, user, command, Begun, begin)
        except StillOpen as other:
            await end_attempts(other.order)
        else:
            return await _start(begun)
    raise BUSY(retry_after_ms=1000)


async def _start(begun: Begun) -> PayStarted:
    attempt = await db(payments.attempt, begun.payment)
    secret = None
    if attempt.provider in ASKED:
        try:
            attempt = await _introduce(attempt)
            secret = await provider(attempt.provider).secret(attempt.ref or "")
        except ProviderDown:
            raise PAYMENT_UNAVAILABLE() from None
        except Declined as error:
            log.warning("payment %s was declined: %s", attempt.id, error)
            await db(settling.learned, attempt.id, attempt.declined)
            raise PAYMENT_DECLINED(payment=begun.payment) from None
    return PayStarted(
        payment=begun.payment,
        client_secret=secret,
        redirect=attempt.redirect or None,
        expires_at=begun.expires_at,
    )


async def _introduce(attempt: Attempt) -> Attempt:
    """Make sure the provider knows the attempt, and we its name for it.

    Raises `Declined`, also when it was asked before: nothing will come of it.
    """
    if attempt.ref is not None:
        return attempt
    if attempt.failed:
        raise Declined(attempt.key)
    intent = await provider(attempt.provider).start(attempt.bill, attempt.key)
    await db(payments.started, attempt.id, intent)
    return await db(payments.attempt, attempt.id)


async def end_attempts(order: uuid.UUID) -> None:
    """End what might still be paid; money that came first settles its order.

    Raises `PAYMENT_UNAVAILABLE` when a provider cannot be asked.
    """
    for attempt in await db(payments.open_attempts, order):
        try:
            charge = await _end(attempt)
        except ProviderDown:
            raise PAYMENT_UNAVAILABLE() from None
        await db(settling.learned, attempt.id, charge, ours=True)


async def _end(attempt: Attempt) -> Charge:
    try:
        attempt = await _introduce(attempt)
    except Declined:
        return attempt.declined
    key = f"cancel:{attempt.key}"
    return await provider(attempt.provider).cancel(attempt.ref or "", key)


async def cancel(user: int, command: CancelOrder) -> tuple[OrderCancelled, list[int]]:
    """Let go of a hold, or of what was not sent yet; the stock rows that got units.

    The key is looked at first: a cancel sent again ends no newer attempt to pay. Raises
    `WRONG_STATE`, `PAYMENT_UNAVAILABLE` while an open attempt cannot be ended.
    """
    act = partial(closing.cancel, user, command)
    for _ in range(3):
        try:
            return await once_touching(user, command, OrderCancelled, act)
        except StillOpen as other:
            await end_attempts(other.order)
    raise BUSY(retry_after_ms=1000)


async def expire(order: uuid.UUID) -> list[int]:
    """Take back a due hold; the stock rows that got units.

    A provider that is away gets one minute of grace. After it the units go back, and
    money that still comes is treated as late.
    """
    try:
        await end_attempts(order)
    except CommandError:
        if await db(payments.grace, order):
            return []
        return await db(orders.expire, order, unasked=True)
    return await db(orders.expire, order)


async def ask(payment: uuid.UUID) -> None:
    """Ask a provider what became of a due payment."""
    attempt = await db(payments.claim, payment)
    if attempt is None:
        return
    try:
        attempt = await _introduce(attempt)
        charge = await provider(attempt.provider).fetch(attempt.ref or "")
        if charge.state in OPEN and attempt.order_over:
            charge = await _end(attempt)
    except Declined:
        charge = attempt.declined
    except (ProviderDown, CommandError):
        return
    await db(settling.learned, attempt.id, charge, ours=attempt.order_over)


async def send_back(refund: uuid.UUID) -> None:
    """Ask a provider for a due refund, or what became of it."""
    errand = await db(refunds.claim, refund)
    if errand is None:
        return
    try:
        payback = await provider(errand.provider).refund(
            errand.payment_ref, errand.amount, errand.key, errand.reason
        )
    except Declined:
        payback = Payback(ref="", state="failed")
    except (ProviderDown, CommandError):
        return
    await db(refunds.learned, errand.id, payback)
