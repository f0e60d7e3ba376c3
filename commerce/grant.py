"""Who wins: the decision of the teller, as a function of its arguments. Pure.

Neighbours: teller.py collects the queue, actions/orders.py reads the rows, calls
`grant` and writes what it says, in one transaction.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from commerce.errors import (
    CURRENCY_MISSING,
    LIMIT_REACHED,
    OFFER_CLOSED,
    PRICE_CHANGED,
    SOLD_OUT,
    TOO_MANY_HOLDS,
)
from commerce.money import LARGEST
from realtime.exceptions import NOT_FOUND, CommandError

MAX_HOLDS = 5
"""Live holds a buyer may have. Soft: two stock rows do not see each other's."""
LOW = 10
"""From here downward a shop that shows `low` shows how many are left."""


class Terms(Struct, frozen=True):
    """An offer as the transaction read it, its prices already those that count.

    It sells from `starts_at`, when its price is visible too, until before `ends_at`.
    """

    open: bool
    prices: Mapping[str, int]
    per_buyer: int | None
    show_stock: str = "exact"
    starts_at: int | None = None
    ends_at: int | None = None

    def closed(self, now: int) -> CommandError | None:
        """Why nobody can buy it now."""
        early = self.starts_at is not None and now < self.starts_at
        late = self.ends_at is not None and now >= self.ends_at
        if self.open and not early and not late:
            return None
        return OFFER_CLOSED(starts_at=self.starts_at, ends_at=self.ends_at, now=now)


class Ask(Struct, frozen=True):
    """One buyer's wish. `order` is the id the order will have; `amount` is expected."""

    order: str
    buyer: int
    offer: int
    qty: int
    amount: int
    currency: str


class Won(Struct, frozen=True):
    """The units are theirs at this price each."""

    price: int


Verdict = Won | CommandError


def shown(available: int, show_stock: str) -> int | None:
    """How much of the truth a shop tells: `exact`, `low` (≤ 10), or nothing."""
    if show_stock == "exact" or (show_stock == "low" and available <= LOW):
        return available
    return None


def grant(
    now: int,
    available: int,
    offers: Mapping[int, Terms],
    tallies: Mapping[tuple[int, int], int],
    holds: Mapping[int, Sequence[str]],
    asks: Sequence[Ask],
) -> tuple[list[Verdict], int]:
    """Decide a queue in its order: a verdict for each ask, and the units taken.

    `tallies` has what (offer, buyer) has of a limited offer, `holds` the ids of each
    buyer's live holds. An ask is granted whole or not at all; one too big does not
    keep a smaller one behind it from winning.
    """
    left = available
    bought = dict(tallies)
    holding = {buyer: list(orders) for buyer, orders in holds.items()}
    verdicts: list[Verdict] = []
    for ask in asks:
        terms = offers.get(ask.offer)
        have = bought.get((ask.offer, ask.buyer), 0)
        held = holding.setdefault(ask.buyer, [])
        verdict = judge(now, left, terms, have, held, ask)
        verdicts.append(verdict)
        if isinstance(verdict, Won):
            left -= ask.qty
            bought[ask.offer, ask.buyer] = have + ask.qty
            held.append(ask.order)
    return verdicts, available - left


def judge(
    now: int, left: int, terms: Terms | None, have: int, held: Sequence[str], ask: Ask
) -> Verdict:
    """One wish against what is `left` of its offer, and what its buyer has of it."""
    if terms is None:
        return NOT_FOUND()
    if (closed := terms.closed(now)) is not None:
        return closed
    price = terms.prices.get(ask.currency)
    if price is None:
        return CURRENCY_MISSING(currency=ask.currency)
    if price * ask.qty != ask.amount or ask.amount > LARGEST:
        return PRICE_CHANGED(amount=price * ask.qty, currency=ask.currency)
    if terms.per_buyer is not None and have + ask.qty > terms.per_buyer:
        return LIMIT_REACHED(limit=terms.per_buyer, have=have)
    if len(held) >= MAX_HOLDS:
        return TOO_MANY_HOLDS(max=MAX_HOLDS, orders=list(held))
    if ask.qty > left:
        some = shown(left, terms.show_stock) if left else 0
        return SOLD_OUT(available=some, wait=True)
    return Won(price)
