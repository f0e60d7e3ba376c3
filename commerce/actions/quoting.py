"""Quoting as a conversation with the policies: on the loop, between transactions."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from commerce.actions import quotes
from commerce.actions.paying import end_attempts
from commerce.actions.payments import StillOpen
from commerce.actions.quotes import Basis, Unpriced, Worked
from commerce.commands.quotes import Quote, QuoteOrder
from commerce.errors import QUOTE_FAILED
from commerce.policies import Goods, Tax, coupon_policy, tax_policy
from realtime import db, once
from realtime.exceptions import BUSY, CommandError

log = logging.getLogger(__name__)

SECONDS = 2.5
"""What the policies have together; the reply has four."""


async def quote(user: int, command: QuoteOrder) -> Quote:
    """Fix what a held order costs. The same key gives the same answer.

    An attempt to pay is ended first. Raises what `quotes.fix` does, `COUPON_REFUSED`,
    `QUOTE_FAILED`, `PAYMENT_UNAVAILABLE`; `BUSY` when the order changes faster than its
    taxes are worked out.
    """
    worked: Worked | None = None
    for _ in range(4):
        act = partial(quotes.fix, user, command, worked)
        try:
            return await db(once, user, command, Quote, act)
        except Unpriced as unpriced:
            worked = await _work_out(unpriced.basis, command.coupon)
        except StillOpen as paying:
            # The buyer turned back from the bank: money that came first wins.
            await end_attempts(paying.order)
    raise BUSY(retry_after_ms=1000)


async def _work_out(basis: Basis, coupon: int | None) -> Worked:
    try:
        async with asyncio.timeout(SECONDS):
            off = 0
            if coupon is not None:
                policy = coupon_policy()
                off = await policy.discount(coupon, basis.buyer, basis.goods)
            discounts, taxed = quotes.discounted(basis.goods, off)
            taxes = await tax_policy().quote(taxed, basis.ship_to)
        _must_fit(taxes, basis.goods)
    except CommandError:
        raise
    except Exception:
        # A seam: whatever a policy raises, the hold stays and the buyer may ask again.
        log.exception("a quote of %s could not be worked out", basis.ship_to)
        raise QUOTE_FAILED() from None
    return Worked(basis=basis, discounts=discounts, taxes=taxes)


def _must_fit(taxes: Sequence[Tax], goods: Sequence[Goods]) -> None:
    lines = {line.line for line in goods}
    for tax in taxes:
        if tax.line not in lines or tax.amount < 0:
            raise ValueError(f"{tax} is no tax of this order")
