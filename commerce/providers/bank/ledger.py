"""The bank's books: one SQLite file, apart from the shop's database.

An intent moves once, from `requires_payment` to its end, by a conditional update;
refunds never exceed it. Each move writes an event in the same transaction, so that
news can be sent again under the same id.
"""

import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings
from msgspec import Struct

_TABLES = """
CREATE TABLE IF NOT EXISTS intents (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, status TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), currency TEXT NOT NULL,
    description TEXT NOT NULL, shop TEXT NOT NULL, shop_order TEXT NOT NULL,
    site TEXT NOT NULL, created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS refunds (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, status TEXT NOT NULL,
    intent TEXT NOT NULL REFERENCES intents, amount INTEGER NOT NULL CHECK (amount > 0),
    reason TEXT NOT NULL, created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    id TEXT PRIMARY KEY, intent TEXT NOT NULL REFERENCES intents, type TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS refunds_of ON refunds (intent);
CREATE INDEX IF NOT EXISTS events_of ON events (intent);
CREATE TABLE IF NOT EXISTS dial (
    id INTEGER PRIMARY KEY, setting TEXT NOT NULL, drawn INTEGER NOT NULL
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
    site: str = "here"
    created: int = 0


class Back(Struct, frozen=True):
    """A refund as the books have it."""

    id: str
    key: str
    status: str
    intent: str
    amount: int
    reason: str
    created: int


class KeyTaken(Exception):
    """The idempotency key stands for another request."""


class TooMuch(Exception):
    """There is not so much to give back."""


def path() -> Path:
    return Path(settings.SOUK_DATA) / "bank.sqlite3"


@contextmanager
def books() -> Iterator[sqlite3.Connection]:
    """One transaction, which is the only one."""
    with closing(sqlite3.connect(path(), timeout=5, isolation_level=None)) as book:
        book.execute("PRAGMA journal_mode=WAL")
        book.execute("PRAGMA synchronous=FULL")
        book.executescript(_TABLES)
        book.execute("BEGIN IMMEDIATE")
        with book:
            yield book


def _name(prefix: str) -> str:
    return f"{prefix}_{secrets.token_urlsafe(18)}"


def _entry(book: sqlite3.Connection, column: str, value: str) -> Entry | None:
    found = book.execute(
        f"SELECT * FROM intents WHERE {column} = ?",  # noqa: S608 - ours: id or key
        [value],
    ).fetchone()
    return None if found is None else Entry(*found)


def create(
    key: str,
    amount: int,
    currency: str,
    description: str,
    shop: str,
    order: str,
    site: str = "here",
) -> Entry:
    """Open an intent, or give the one this key opened. Raises `KeyTaken`."""
    with books() as book:
        known = _entry(book, "key", key)
        if known is None:
            made = Entry(
                _name("pi"),
                key,
                "requires_payment",
                amount,
                currency,
                description,
                shop,
                order,
                site,
                int(time.time()),
            )
            _insert(book, "intents", made)
            return made
    if (known.amount, known.currency, known.shop_order) != (amount, currency, order):
        raise KeyTaken
    return known


def _insert(book: sqlite3.Connection, table: str, row: Entry | Back) -> None:
    values = [getattr(row, name) for name in row.__struct_fields__]
    marks = ",".join("?" * len(values))
    book.execute(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608 - ours


def knows(key: str) -> bool:
    """Whether this key opened an intent."""
    with books() as book:
        return _entry(book, "key", key) is not None


def get(ref: str) -> Entry | None:
    with books() as book:
        return _entry(book, "id", ref)


def move(ref: str, status: str) -> tuple[Entry, str | None] | None:
    """End an open intent; what it is now, and the event's id if this ended it."""
    event = _name("evt")
    with books() as book:
        moved = book.execute(
            "UPDATE intents SET status = ? "
            "WHERE id = ? AND status = 'requires_payment'",
            [status, ref],
        ).rowcount
        if moved:
            row = [event, ref, _TYPES[status]]
            book.execute("INSERT INTO events VALUES (?,?,?)", row)
        entry = _entry(book, "id", ref)
    return None if entry is None else (entry, event if moved else None)


def events(ref: str) -> list[tuple[str, str]]:
    """The ids and types of what happened to an intent, as its news is sent."""
    with books() as book:
        return book.execute(
            "SELECT id, type FROM events WHERE intent = ? ORDER BY rowid", [ref]
        ).fetchall()


def refund(key: str, ref: str, amount: int, reason: str, status: str) -> Back:
    """Give back a part of what was paid, or tell what this key gave back.

    Raises `KeyTaken`, and `TooMuch` beyond what was paid and not given back.
    """
    with books() as book:
        row = book.execute("SELECT * FROM refunds WHERE key = ?", [key]).fetchone()
        if row is not None:
            known = Back(*row)
            if (known.intent, known.amount) != (ref, amount):
                raise KeyTaken
            return known
        entry = _entry(book, "id", ref)
        if entry is None or entry.status != "succeeded":
            raise TooMuch
        (back,) = book.execute(
            "SELECT COALESCE(SUM(amount), 0) FROM refunds "
            "WHERE intent = ? AND status <> 'failed'",
            [ref],
        ).fetchone()
        if not 0 < amount <= entry.amount - back:
            raise TooMuch
        made = Back(_name("re"), key, status, ref, amount, reason, int(time.time()))
        _insert(book, "refunds", made)
        return made


def end_refunds(ref: str, status: str = "succeeded") -> int:
    """End the pending refunds of an intent; how many there were."""
    with books() as book:
        return book.execute(
            "UPDATE refunds SET status = ? WHERE intent = ? AND status = 'pending'",
            [status, ref],
        ).rowcount


def refunds(ref: str = "") -> list[Back]:
    """Refunds of an intent, or all, the newest first."""
    where = "WHERE intent = ?" if ref else ""
    with books() as book:
        rows = book.execute(
            f"SELECT * FROM refunds {where} ORDER BY rowid DESC",  # noqa: S608 - ours
            [ref] if ref else [],
        ).fetchall()
    return [Back(*row) for row in rows]


def intents() -> list[Entry]:
    """All of them, the newest first."""
    with books() as book:
        rows = book.execute("SELECT * FROM intents ORDER BY rowid DESC").fetchall()
    return [Entry(*row) for row in rows]
