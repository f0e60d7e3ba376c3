"""The database's clock, in epoch milliseconds: the only one money and stock obey.

Two processes may disagree about the time; they ask the same database.
"""

from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Func
from django.db.models.sql.compiler import SQLCompiler


class DatabaseNow(Func):
    """Now as the statement runs, not as its transaction began."""

    arity = 0
    output_field = BigIntegerField()
    template = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"

    def as_sqlite(
        self, compiler: SQLCompiler, connection: Any, **context: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        return "CAST((julianday('now') - 2440587.5) * 86400000 AS integer)", ()


def now_ms() -> int:
    """The database's time. One statement."""
    now = (
        DatabaseNow.template
        if connection.vendor == "postgresql"
        else "CAST((julianday('now') - 2440587.5) * 86400000 AS integer)"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {now}")  # noqa: S608 - one of our two constants
        return int(cursor.fetchone()[0])
