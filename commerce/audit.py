"""The invariants of shops, stock, orders and money, as SQL over one snapshot.

It trusts data, not constraints, so it finds damage after a restore; it repairs nothing.
It reads on a connection of its own, in one read-only transaction that holds nobody up,
so it may run in a live sale.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from commerce.states import CHANGES, MOVES, OrderState
from realtime.audit import Finding

Row = Sequence[Any]
_SHOWN = 20
"""So many offenders of a rule are named."""

_PLAIN: list[tuple[str, str, str, str]] = [
    (
        "I1",
        "stock {0}",
        "available is {1}",
        "SELECT id, available FROM commerce_stock WHERE available < 0 ORDER BY id",
    ),
    (
        "I2",
        "stock {0}",
        "available is {1}, its movements make {2}",
        """SELECT s.id, s.available, COALESCE(SUM(m.delta), 0) FROM commerce_stock s
        LEFT JOIN commerce_move m ON m.stock_id = s.id GROUP BY s.id, s.available
        HAVING s.available <> COALESCE(SUM(m.delta), 0) ORDER BY s.id""",
    ),
    (
        "I2",
        "sku {0}",
        "{1} came in, but {2} are available and {3} are held or sold",
        """SELECT * FROM (SELECT k.id,
        (SELECT COALESCE(SUM(m.delta), 0) FROM commerce_move m JOIN commerce_stock s
         ON s.id = m.stock_id WHERE s.sku_id = k.id AND m.kind IN ('receive', 'adjust'))
         AS counted,
        (SELECT COALESCE(SUM(s.available), 0) FROM commerce_stock s
         WHERE s.sku_id = k.id) AS available,
        (SELECT COALESCE(SUM(l.qty), 0) FROM commerce_orderline l JOIN commerce_order o
         ON o.id = l.order_id WHERE l.sku_id = k.id
         AND o.state NOT IN ('expired', 'cancelled'))
         AS kept
        FROM commerce_sku k) sums WHERE counted <> available + kept ORDER BY id""",
    ),
    (
        "I3",
        "move {0} {1}",
        "happened {2} times",
        """SELECT kind, ref, COUNT(*) FROM commerce_move GROUP BY kind, ref
        HAVING COUNT(*) > 1 ORDER BY kind, ref""",
    ),
    (
        "I4",
        "offer {0}, buyer {1}",
        "the tally says {2} of {3}, the orders say {4}",
        """SELECT * FROM (SELECT t.offer_id, t.buyer_id, t.qty, t.cap,
        (SELECT COALESCE(SUM(l.qty), 0) FROM commerce_orderline l JOIN commerce_order o
         ON o.id = l.order_id WHERE l.offer_id = t.offer_id
         AND o.buyer_id = t.buyer_id
         AND o.state NOT IN ('expired', 'cancelled')) AS kept
        FROM commerce_tally t) sums WHERE qty <> kept OR qty > cap
        ORDER BY offer_id, buyer_id""",
    ),
    (
        "I4",
        "offer {0}, buyer {1}",
        "bought {2} of an offer with a limit, and has no tally",
        """SELECT l.offer_id, o.buyer_id, SUM(l.qty) FROM commerce_orderline l
        JOIN commerce_order o ON o.id = l.order_id
        JOIN commerce_offer f ON f.id = l.offer_id
        LEFT JOIN commerce_tally t
        ON t.offer_id = l.offer_id AND t.buyer_id = o.buyer_id
        WHERE f.per_buyer IS NOT NULL AND t.id IS NULL
         AND o.state NOT IN ('expired', 'cancelled')
        GROUP BY l.offer_id, o.buyer_id ORDER BY l.offer_id, o.buyer_id""",
    ),
    (
        "I5",
        "buyer {0}, key {1}",
        "{2} orders",
        """SELECT buyer_id, key, COUNT(*) FROM commerce_order GROUP BY buyer_id, key
        HAVING COUNT(*) > 1 ORDER BY buyer_id, key""",
    ),
    (
        "I5",
        "order {0}",
        "its digest has {1} bytes",
        """SELECT id, LENGTH(digest) FROM commerce_order WHERE LENGTH(digest) <> 16
        ORDER BY id""",
    ),
    (
        "I5",
        "actor {0}, key {1}",
        "{2} answers",
        """SELECT actor, key, COUNT(*) FROM realtime_answered
        GROUP BY actor, key HAVING COUNT(*) > 1 ORDER BY actor, key""",
    ),
    (
        "I6",
        "order {0}",
        "has {1} lines worth {2}, and says {3}",
        """SELECT o.id, COUNT(l.id), COALESCE(SUM(l.qty * l.price), 0), o.goods
        FROM commerce_order o LEFT JOIN commerce_orderline l ON l.order_id = o.id
        GROUP BY o.id, o.goods
        HAVING COUNT(l.id) = 0 OR COALESCE(SUM(l.qty * l.price), 0) <> o.goods
        ORDER BY o.id""",
    ),
    (
        "I6",
        "line {0}",
        "{1} units, but its hold moved {2}",
        """SELECT l.id, l.qty, m.delta FROM commerce_orderline l
        LEFT JOIN commerce_move m ON m.line_id = l.id AND m.kind = 'hold'
        WHERE m.id IS NULL OR m.delta <> -l.qty ORDER BY l.id""",
    ),
    (
        "I6",
        "move {0}",
        "a {1} of no line",
        """SELECT id, kind FROM commerce_move WHERE line_id IS NULL
        AND kind IN ('hold', 'release', 'rehold', 'sell') ORDER BY id""",
    ),
    (
        "I7",
        "order {0}",
        "is {1} with {2} payments that fit it",
        """SELECT * FROM (SELECT o.id, o.state, (SELECT COUNT(*) FROM commerce_payment p
        WHERE p.order_id = o.id AND p.use = 'order' AND p.state = 'settled'
        AND p.amount = o.amount AND p.currency = o.currency) AS fit
        FROM commerce_order o) found
        WHERE fit <> CASE WHEN state IN
         ('held', 'paying', 'expired', 'cancelled') THEN 0 ELSE 1 END
        ORDER BY id""",
    ),
    (
        "I7",
        "payment {0}",
        "is {1}, used for {2}, and not in quarantine",
        """SELECT id, state, COALESCE(use, 'nothing') FROM commerce_payment
        WHERE (state = 'settled' AND use IS NULL AND quarantined_at IS NULL)
        OR (state <> 'settled' AND use IS NOT NULL) ORDER BY id""",
    ),
    (
        "I9",
        "order {0}",
        "version {1}, but {2} changes, the last of them number {3}",
        """SELECT o.id, o.version, COUNT(c.id), COALESCE(MAX(c.version), 0)
        FROM commerce_order o LEFT JOIN commerce_orderchange c ON c.order_id = o.id
        GROUP BY o.id, o.version
        HAVING COUNT(c.id) <> o.version OR COALESCE(MAX(c.version), 0) <> o.version
        ORDER BY o.id""",
    ),
    (
        "I9",
        "order {0}",
        "is {1}, its last change says {2}",
        """SELECT o.id, o.state, COALESCE(c.state, 'held') FROM commerce_order o
        LEFT JOIN commerce_orderchange c
        ON c.order_id = o.id AND c.version = o.version
        WHERE o.state <> COALESCE(c.state, 'held') ORDER BY o.id""",
    ),
]

_MOVES = """SELECT l.id, o.state,
    COALESCE(SUM(CASE m.kind WHEN 'hold' THEN 1 END), 0),
    COALESCE(SUM(CASE m.kind WHEN 'release' THEN 1 END), 0),
    COALESCE(SUM(CASE m.kind WHEN 'rehold' THEN 1 END), 0),
    COALESCE(SUM(CASE m.kind WHEN 'sell' THEN 1 END), 0)
    FROM commerce_orderline l JOIN commerce_order o ON o.id = l.order_id
    LEFT JOIN commerce_move m ON m.line_id = l.id
    GROUP BY l.id, o.state ORDER BY l.id"""
_KINDS = ("hold", "release", "rehold", "sell")

_CHANGES = """SELECT order_id, version, was, state FROM commerce_orderchange
    ORDER BY order_id, version"""

_LATE = {
    "postgresql": """SELECT id FROM realtime_outboxevent
        WHERE sent_at IS NULL AND at < now() - interval '60 seconds' ORDER BY id""",
    "sqlite": """SELECT id FROM realtime_outboxevent
        WHERE sent_at IS NULL AND at < datetime('now', '-60 seconds') ORDER BY id""",
}


def findings() -> Iterator[Finding]:
    """Everything that does not hold, at most 20 of each check."""
    with _snapshot() as database:
        for rule, subject, what, sql in _PLAIN:
            for row in _read(database, sql)[:_SHOWN]:
                yield Finding(rule, subject.format(*row), what.format(*row))
        yield from _moves(database)
        yield from _changes(database)
        for (event,) in _read(database, _LATE[database.vendor])[:_SHOWN]:
            yield Finding("I9", f"outbox event {event}", "unsent for over 60 s")


def quarantined() -> list[Finding]:
    """Money that waits for a person: nothing is broken, but it must be seen."""
    with _snapshot() as database:
        rows = _read(
            database,
            """SELECT id, order_id, problem, amount, currency FROM commerce_payment
            WHERE quarantined_at IS NOT NULL ORDER BY quarantined_at""",
        )
    return [
        Finding("waits", f"payment {row[0]}", "{3} {4} of order {1}: {2}".format(*row))
        for row in rows
    ]


@contextmanager
def _snapshot() -> Iterator[BaseDatabaseWrapper]:
    """A connection of our own that sees one moment and can write nothing."""
    own = connection.copy("audit")
    own.settings_dict["OPTIONS"].pop("pool", None)
    begin = (
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        if own.vendor == "postgresql"
        else "BEGIN DEFERRED"
    )
    try:
        with own.cursor() as cursor:
            cursor.execute(begin)
        yield own
        with own.cursor() as cursor:
            cursor.execute("ROLLBACK")
    finally:
        own.close()


def _read(database: BaseDatabaseWrapper, sql: str) -> list[Row]:
    with database.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _moves(database: BaseDatabaseWrapper) -> Iterator[Finding]:
    """I3: a line has the movements its order's state allows, each once."""
    allowed = {
        (state, *(int(kind in kinds) for kind in _KINDS))
        for state, ways in MOVES.items()
        for kinds in ways
    }
    wrong = [row for row in _read(database, _MOVES) if tuple(row[1:]) not in allowed]
    for line, state, *times in wrong[:_SHOWN]:
        had = [f"{n} {kind}" for kind, n in zip(_KINDS, times, strict=True) if n]
        yield Finding("I3", f"line {line}", f"{state} with {', '.join(had) or 'none'}")


def _changes(database: BaseDatabaseWrapper) -> Iterator[Finding]:
    """I9: an order's changes follow each other along the table of states."""
    state: OrderState = "held"
    order = None
    shown = 0
    for of, version, was, becomes in _read(database, _CHANGES):
        if of != order:
            order, state = of, "held"
        if (was != state or becomes not in CHANGES[state]) and shown < _SHOWN:
            shown += 1
            yield Finding("I9", f"order {of}", f"change {version}: {was} → {becomes}")
        state = becomes if becomes in CHANGES else state
