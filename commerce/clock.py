"""The database's clock, in epoch milliseconds: the only one money and stock obey.

Two processes may disagree about the time; they ask the same database.
"""

from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Func
from django.db.models.sql.compiler import SQLCompiler

DAY_MS = 86_400_000
_POSTGRESQL = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"
_SQLITE = "CAST((julianday('now') - 2440587.5) * 86400000 AS integer)"


class DatabaseNow(Func):
    """Now as the statement runs, not as its transaction began."""

    arity = 0
    output_field = BigIntegerField()
    template = _POSTGRESQL

    def as_sqlite(
        self, compiler: SQLCompiler, connection: Any, **context: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        return _SQLITE, ()


def now_sql() -> str:
    """The same, for plain SQL."""
    return _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE


def now_ms() -> int:
    """The database's time. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {now_sql()}")
        return int(cursor.fetchone()[0])
