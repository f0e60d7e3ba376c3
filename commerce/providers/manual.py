"""Paid by hand: transfer or cash. Nobody is asked; the shop says what it got and gave.

There is no network and no time limit: the units stay held until the shop has the money
(`order.mark_paid`), or it or the buyer cancels.
"""

from collections.abc import AsyncIterator, Mapping

from commerce.providers.protocol import (
    Bill,
    Charge,
    Forged,
    Intent,
    Past,
    Payback,
    ProviderEvent,
)


class Manual:
    """`commerce.providers.protocol.Provider` without a provider."""

    async def start(self, bill: Bill, key: str) -> Intent:
        return Intent(ref=key)

    async def secret(self, ref: str) -> str | None:
        return None

    async def fetch(self, ref: str) -> Charge:
        return Charge(state="started", amount=0, currency="")

    async def cancel(self, ref: str, key: str) -> Charge:
        return Charge(state="cancelled", amount=0, currency="")

    async def refund(self, ref: str, amount: int, key: str, reason: str) -> Payback:
        """On its way until the shop says that it gave it: `refund.mark_done`."""
        return Payback(ref=key, state="sent")

    async def history(self, since: int) -> AsyncIterator[Past]:
        nothing: list[Past] = []
        for past in nothing:
            yield past

    def event(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        raise Forged
