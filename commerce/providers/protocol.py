"""What a payment provider is to us. Pure.

Every verb may be repeated: keys derive from our rows, so a provider that honours
idempotency keys does each thing once. Verbs run on the loop, never in a transaction.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Literal, Protocol

from msgspec import Struct

from commerce.states import PaymentState


class ProviderDown(Exception):
    """It could not be reached, or did not answer in time: nothing is known."""


class Declined(Exception):
    """It was understood and will not be done: asking again changes nothing."""


class Forged(Exception):
    """An event that its provider did not sign."""


class Bill(Struct, frozen=True):
    """What is to be paid, and the words the buyer reads at the provider's."""

    order: str
    amount: int
    currency: str
    shop: str
    title: str


class Intent(Struct, frozen=True):
    """The provider's side of one attempt, and where the buyer pays, if at its place."""

    ref: str
    redirect: str | None = None


class Charge(Struct, frozen=True):
    """What the provider says of an attempt."""

    state: PaymentState
    amount: int
    currency: str


class Payback(Struct, frozen=True):
    """What the provider says of a refund. `sent`: it is on its way."""

    ref: str
    state: Literal["sent", "done", "failed"]


class PastRefund(Struct, frozen=True):
    """A refund in the provider's books; `key` and `reason` are ours, if it was."""

    payback: Payback
    amount: int
    key: str = ""
    reason: str = ""


class Past(Struct, frozen=True):
    """An attempt in the provider's books, made by this site with `key`."""

    ref: str
    key: str
    charge: Charge
    refunds: list[PastRefund]


class ProviderEvent(Struct, frozen=True):
    """News it sent us, once verified. `id` is the same when sent again.

    `ref` is the attempt's, empty for news that is not of money. Without `charge` it
    is news of refunds.
    """

    id: str
    ref: str
    kind: str
    charge: Charge | None


class Provider(Protocol):
    """One way to pay. The async verbs raise `ProviderDown`."""

    async def start(self, bill: Bill, key: str) -> Intent:
        """Begin an attempt; the same key gives the same intent.

        Raises `Declined` when it never will.
        """

    async def secret(self, ref: str) -> str | None:
        """What the buyer's own page pays it by, where it does. Kept nowhere."""

    async def fetch(self, ref: str) -> Charge:
        """What became of it."""

    async def cancel(self, ref: str, key: str) -> Charge:
        """End it, unless the money came first: then the charge is `settled`."""

    async def refund(self, ref: str, amount: int, key: str, reason: str) -> Payback:
        """Give back a part of what `ref` took; the same key does it once, for ever.

        Raises `Declined` when it never will.
        """

    def history(self, since: int) -> AsyncIterator[Past]:
        """All it did for this site since then (epoch seconds), the newest first."""

    def event(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        """Verify news by its raw bytes. Raises `Forged`."""
