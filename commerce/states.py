"""The lives of an order, an after-sale and a payment, as tables. Pure.

An order changes by one conditional update of its row, and only along a line of
`CHANGES`; the codes are those of the XHS open API. A payment has a rank: what comes
late or in the wrong order never lowers it.
"""

from typing import Literal

OrderState = Literal[
    "held",
    "paying",
    "paid",
    "customs",
    "packed",
    "part_shipped",
    "shipped",
    "received",
    "done",
    "closed",
    "expired",
    "cancelled",
]
PaymentState = Literal[
    "created", "started", "processing", "failed", "cancelled", "settled"
]

CODES: dict[OrderState, int] = {
    "held": 1,
    "paying": 1,
    "paid": 2,
    "customs": 3,
    "packed": 4,
    "part_shipped": 5,
    "shipped": 6,
    "received": 7,
    "done": 7,
    "closed": 8,
    "expired": 8,
    "cancelled": 9,
}
LIVE: frozenset[OrderState] = frozenset({"held", "paying"})
"""Units are reserved, the clock runs."""
LEFT: frozenset[OrderState] = frozenset({"expired", "cancelled"})
"""The units went back, before any money came."""
UNSENT: frozenset[OrderState] = frozenset({"paid", "customs", "packed"})
"""Paid, and nothing is on its way yet: may still be cancelled."""
SENT: frozenset[OrderState] = frozenset({"shipped", "received", "done"})
"""All of it is on its way, or there."""
SOLD: frozenset[OrderState] = frozenset({*UNSENT, "part_shipped", *SENT})
"""Money paid for it and was not all given back."""

CHANGES: dict[OrderState, frozenset[OrderState]] = {
    "held": frozenset({"held", "paying", "paid", "expired", "cancelled"}),
    "paying": frozenset({"paying", "held", "paid", "expired", "cancelled"}),
    "paid": frozenset({"customs", "packed", "part_shipped", "shipped", "closed"}),
    "customs": frozenset({"packed", "part_shipped", "shipped", "closed"}),
    "packed": frozenset({"part_shipped", "shipped", "closed"}),
    "part_shipped": frozenset({"part_shipped", "shipped"}),
    "shipped": frozenset({"received", "closed"}),
    "received": frozenset({"done", "closed"}),
    "done": frozenset({"closed"}),
    "closed": frozenset(),
    # Money that comes late takes the units again, if there are any.
    "expired": frozenset({"paid"}),
    "cancelled": frozenset({"paid"}),
}

_HELD = frozenset({frozenset({"hold"})})
_LEFT = frozenset({frozenset({"hold", "release"})})
_SOLD = frozenset(
    {frozenset({"hold", "sell"}), frozenset({"hold", "release", "rehold", "sell"})}
)

MOVES: dict[OrderState, frozenset[frozenset[str]]] = {
    **dict.fromkeys(LIVE, _HELD),
    **dict.fromkeys(LEFT, _LEFT),
    **dict.fromkeys(SOLD, _SOLD),
    "closed": _SOLD,
}
"""The kinds of movement a line has, by the state of its order. `restock` may stand
beside those of a sale, once for each time units of the line came back."""

AFTER_SALES: dict[str, frozenset[str]] = {
    "asked": frozenset({"accepted", "refused", "withdrawn"}),
    # Money goes back at once; pieces are sent first, or brought by hand.
    "accepted": frozenset({"done", "sent", "received", "withdrawn"}),
    "sent": frozenset({"received"}),
    "received": frozenset({"done"}),
    "refused": frozenset(),
    "withdrawn": frozenset(),
    "done": frozenset(),
}
"""The life of an after-sale."""
AFTER_SALES_OPEN: frozenset[str] = frozenset(
    state for state, to in AFTER_SALES.items() if to
)

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
