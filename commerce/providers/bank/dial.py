"""How badly the bank behaves: set by tests, and on its page in development.

It stands in the bank's books, so every process of the bank obeys it. Chances are in
percent and follow from `seed` and how many were drawn before: a run can be repeated.
"""

import random

import msgspec

from commerce.providers.bank.ledger import books


class Dial(msgspec.Struct, frozen=True, kw_only=True):
    """All at rest: each thing once, at once, in order."""

    duplicate: int = 0
    """Each piece of news is sent so many times more."""
    shuffle: bool = False
    """News of every step, in another order."""
    delay_ms: int = 0
    """News comes so much later; shuffled, up to so much."""
    drop: int = 0
    """Chance that a piece of news is lost."""
    forged: int = 0
    """Chance that somebody else writes in the bank's name, too."""
    error: int = 0
    """Chance that a call is answered 500 and nothing was done."""
    cut: int = 0
    """Chance that what a call asks for is done, but its answer never comes."""
    cut_ms: int = 0
    """How long whoever called then waits for nothing."""
    charge: bool = False
    """Money is taken as the intent is made, as from a stored card."""
    decline: bool = False
    """New attempts are refused for good."""
    pending: bool = False
    """Refunds take their time."""
    seed: int = 0


def read() -> Dial:
    with books() as book:
        return _read(book.execute("SELECT setting FROM dial").fetchone())


def _read(row: tuple[str] | None) -> Dial:
    return Dial() if row is None else msgspec.json.decode(row[0], type=Dial)


def turn(dial: Dial) -> None:
    """Set it anew. Chances begin again from its seed."""
    setting = msgspec.json.encode(dial).decode()
    with books() as book:
        book.execute("INSERT OR REPLACE INTO dial VALUES (0, ?, 0)", [setting])


def drawn() -> int:
    """How many chances were taken since it was turned."""
    with books() as book:
        row = book.execute("SELECT drawn FROM dial").fetchone()
    return int(row[0]) if row else 0


def chance(percent: int) -> bool:
    """Whether this time it happens."""
    if percent <= 0:
        return False
    with books() as book:
        row = book.execute("SELECT setting, drawn FROM dial").fetchone()
        book.execute("UPDATE dial SET drawn = drawn + 1")
    seed, drawn = (_read(row[:1]).seed, row[1]) if row else (0, 0)
    return random.Random(f"{seed}:{drawn}").random() * 100 < percent  # noqa: S311 - no secret
