"""The lives of an order and of a payment, as tables. Pure.

An order changes by one conditional update of its row, and only along a line of
`CHANGES`; the codes are those of the XHS open API. A payment has a rank: what comes
late or in the wrong order never lowers it.
"""

from typing import Literal

OrderState = Literal["held", "paying", "paid", "expired", "cancelled"]
PaymentState = Literal[
    "created", "started", "processing", "failed", "cancelled", "settled"
]

CODES: dict[OrderState, int] = {
    "held": 1,
    "paying": 1,
    "paid": 2,
    "expired": 8,
    "cancelled": 9,
}
LIVE: frozenset[OrderState] = frozenset({"held", "paying"})
"""Units are reserved, the clock runs."""
LEFT: frozenset[OrderState] = frozenset({"expired", "cancelled"})
"""The units went back."""

CHANGES: dict[OrderState, frozenset[OrderState]] = {
    "held": frozenset({"paying", "paid", "expired", "cancelled"}),
    "paying": frozenset({"paying", "held", "paid", "expired", "cancelled"}),
    "paid": frozenset(),
    # Money that comes late takes the units again, if there are any.
    "expired": frozenset({"paid"}),
    "cancelled": frozenset({"paid"}),
}

MOVES: dict[OrderState, frozenset[frozenset[str]]] = {
    "held": frozenset({frozenset({"hold"})}),
    "paying": frozenset({frozenset({"hold"})}),
    "paid": frozenset(
        {
            frozenset({"hold", "sell"}),
            frozenset({"hold", "release", "rehold", "sell"}),
        }
    ),
    "expired": frozenset({frozenset({"hold", "release"})}),
    "cancelled": frozenset({frozenset({"hold", "release"})}),
}
"""The kinds of movement a line may have, by the state of its order."""

OPEN: frozenset[PaymentState] = frozenset({"created", "started", "processing"})
"""The provider may still take the money."""

_RANK: dict[PaymentState, int] = {
    "created": 0,
    "started": 1,
    "processing": 2,
    "failed": 3,
    "cancelled": 3,
    "settled": 4,
}


def may_change(was: OrderState, state: OrderState) -> bool:
    """Whether the table has a line from `was` to `state`."""
    return state in CHANGES[was]


def before(state: OrderState) -> list[OrderState]:
    """The states from which `state` is reached: what a conditional update expects."""
    return sorted(was for was, to in CHANGES.items() if state in to)


def raises(was: PaymentState, state: PaymentState) -> bool:
    """Whether news of `state` moves a payment that is `was`.

    Settled beats everything, even failed: money taken is money taken.
    """
    return _RANK[state] > _RANK[was]
