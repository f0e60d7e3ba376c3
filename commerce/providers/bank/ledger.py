"""The bank's books: one SQLite file, apart from the shop's database.

An intent moves once, from `requires_payment` to its end, by a conditional update. Each
move writes an event in the same transaction, so that news can be sent again under the
same id.
"""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings
from msgspec import Struct

_TABLES = """
CREATE TABLE IF NOT EXISTS intent (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, status TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), currency TEXT NOT NULL,
    description TEXT NOT NULL, shop TEXT NOT NULL, shop_order TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS event (
    id TEXT PRIMARY KEY, intent TEXT NOT NULL REFERENCES intent, type TEXT NOT NULL
);
"""
_TYPES = {
    "succeeded": "payment_intent.succeeded",
    "failed": "payment_intent.payment_failed",
    "canceled": "payment_intent.canceled",
}


class Entry(Struct, frozen=True):
    """An intent as the books have it."""

    id: str
    key: str
    status: str
    amount: int
    currency: str
    description: str
    shop: str
    shop_order: str


class KeyTaken(Exception):
    """The idempotency key stands for another request."""


def path() -> Path:
    return Path(settings.SOUK_DATA) / "bank.sqlite3"


@contextmanager
def _books() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path(), timeout=5, isolation_level=None)) as books:
        books.execute("PRAGMA journal_mode=WAL")
        books.execute("PRAGMA synchronous=FULL")
        books.executescript(_TABLES)
        books.execute("BEGIN IMMEDIATE")
        with books:
            yield books


def _entry(books: sqlite3.Connection, column: str, value: str) -> Entry | None:
    found = books.execute(
        f"SELECT * FROM intent WHERE {column} = ?",  # noqa: S608 - ours: id or key
        [value],
    ).fetchone()
    return None if found is None else Entry(*found)


def create(
    key: str, amount: int, currency: str, description: str, shop: str, order: str
) -> Entry:
    """Open an intent, or give the one this key opened. Raises `KeyTaken`."""
    made = Entry(
        f"pi_{secrets.token_urlsafe(18)}",
        key,
        "requires_payment",
        amount,
        currency,
        description,
        shop,
        order,
    )
    with _books() as books:
        known = _entry(books, "key", key)
        if known is None:
            row = [getattr(made, name) for name in Entry.__struct_fields__]
            books.execute("INSERT INTO intent VALUES (?,?,?,?,?,?,?,?)", row)
            return made
    if (known.amount, known.currency, known.shop_order) != (amount, currency, order):
        raise KeyTaken
    return known


def get(ref: str) -> Entry | None:
    with _books() as books:
        return _entry(books, "id", ref)


def move(ref: str, status: str) -> tuple[Entry, str | None] | None:
    """End an open intent; what it is now, and the event's id if this ended it."""
    event = f"evt_{secrets.token_urlsafe(18)}"
    with _books() as books:
        moved = books.execute(
            "UPDATE intent SET status = ? WHERE id = ? AND status = 'requires_payment'",
            [status, ref],
        ).rowcount
        if moved:
            books.execute(
                "INSERT INTO event VALUES (?,?,?)", [event, ref, _TYPES[status]]
            )
        entry = _entry(books, "id", ref)
    return None if entry is None else (entry, event if moved else None)


def events(ref: str) -> list[tuple[str, str]]:
    """The ids and types of what happened to an intent, as its news is sent."""
    with _books() as books:
        return books.execute(
            "SELECT id, type FROM event WHERE intent = ? ORDER BY rowid", [ref]
        ).fetchall()
