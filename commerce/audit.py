"""Runs the invariants of this room (rules.py and others) over one snapshot.

It trusts data, not constraints, so it finds damage after a restore; it repairs nothing.
It reads on a connection of its own, in one read-only transaction that holds nobody up,
so it may run in a live sale.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from commerce import aftercare, money_rules
from commerce.references import REFERENCES
from commerce.rules import RULES, Rule
from commerce.states import CHANGES, MOVES, OrderState
from realtime.audit import SHOWN, Checked, Finding

Row = Sequence[Any]
ALL = [*RULES, *money_rules.RULES, *REFERENCES, *aftercare.RULES]

_MOVES = """SELECT l.id, o.state,
    COALESCE(SUM(CASE m.kind WHEN 'hold' THEN 1 END), 0),
    COALESCE(SUM(CASE m.kind WHEN 'release' THEN 1 END), 0),
    COALESCE(SUM(CASE m.kind WHEN 'rehold' THEN 1 END), 0),
    COALESCE(SUM(CASE m.kind WHEN 'sell' THEN 1 END), 0)
    FROM commerce_orderline l JOIN commerce_order o ON o.id = l.order_id
    LEFT JOIN commerce_move m ON m.line_id = l.id
    WHERE l.stock_id IS NOT NULL OR m.id IS NOT NULL
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
        for rule in ALL:
            yield from _broken(database, rule)
        for _, _, check in _CHECKS:
            yield from islice(check(database), SHOWN)


def checked() -> list[Checked]:
    """Every invariant: what breaks it, and how many rows were read."""
    found: dict[str, list[Finding]] = defaultdict(list)
    tables: dict[str, set[str]] = defaultdict(set)
    with _snapshot() as database:
        for rule in ALL:
            tables[rule.number].add(rule.table)
            found[rule.number] += _broken(database, rule)
        for number, table, check in _CHECKS:
            tables[number].add(table)
            found[number] += islice(check(database), SHOWN)
        rows = {name: _count(database, name) for name in set().union(*tables.values())}
    return [
        Checked(number, found[number][:SHOWN], sum(rows[name] for name in names))
        for number, names in sorted(tables.items(), key=lambda item: int(item[0][1:]))
    ]


def quarantined() -> list[Finding]:
    """Money that waits for a person: nothing is broken, but it must be seen."""
    with _snapshot() as database:
        held = _read(
            database,
            """SELECT id, order_id, problem, amount, currency FROM commerce_payment
            WHERE quarantined_at IS NOT NULL ORDER BY quarantined_at""",
        )
        failed = _read(
            database,
            """SELECT r.id, r.order_id, r.state, r.amount, p.currency
            FROM commerce_refund r JOIN commerce_payment p ON p.id = r.payment_id
            WHERE r.state = 'failed' ORDER BY r.at""",
        )
    return [
        Finding("waits", f"{what} {row[0]}", "{3} {4} of order {1}: {2}".format(*row))
        for what, rows in (("payment", held), ("refund", failed))
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


def _count(database: BaseDatabaseWrapper, table: str) -> int:
    name = table if table.startswith("realtime_") else f"commerce_{table}"
    ((rows,),) = _read(database, f"SELECT COUNT(*) FROM {name}")  # noqa: S608 - ours
    return int(rows)


def _broken(database: BaseDatabaseWrapper, rule: Rule) -> Iterator[Finding]:
    for row in _read(database, rule.sql)[:SHOWN]:
        yield Finding(rule.number, rule.subject.format(*row), rule.what.format(*row))


def _moves(database: BaseDatabaseWrapper) -> Iterator[Finding]:
    """I3: a line has the movements its order's state allows, each once."""
    allowed = {
        (state, *(int(kind in kinds) for kind in _KINDS))
        for state, ways in MOVES.items()
        for kinds in ways
    }
    for line, state, *times in _read(database, _MOVES):
        if (state, *times) not in allowed:
            had = [f"{n} {kind}" for kind, n in zip(_KINDS, times, strict=True) if n]
            what = f"{state} with {', '.join(had) or 'none'}"
            yield Finding("I3", f"line {line}", what)


def _changes(database: BaseDatabaseWrapper) -> Iterator[Finding]:
    """I9: an order's changes follow each other along the table of states."""
    state: OrderState = "held"
    order = None
    for of, version, was, becomes in _read(database, _CHANGES):
        if of != order:
            order, state = of, "held"
        if was != state or becomes not in CHANGES[state]:
            yield Finding("I9", f"order {of}", f"change {version}: {was} → {becomes}")
        state = becomes if becomes in CHANGES else state


def _unsent(database: BaseDatabaseWrapper) -> Iterator[Finding]:
    """I9: no event of any room waits for a minute."""
    for (event,) in _read(database, _LATE[database.vendor]):
        yield Finding("I9", f"outbox event {event}", "unsent for over 60 s")


def _oversent(database: BaseDatabaseWrapper) -> Iterator[Finding]:
    """I13: what is sent was bought."""
    yield from aftercare.oversent(
        _read(database, aftercare.PARCELS), _read(database, aftercare.LINES)
    )


_CHECKS = [
    ("I3", "orderline", _moves),
    ("I9", "orderchange", _changes),
    ("I9", "realtime_outboxevent", _unsent),
    ("I13", "shipment", _oversent),
]
