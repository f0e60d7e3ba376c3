"""Many rows by one statement, from plain values: what the teller writes with.

`bulk_create` makes an object of each row and asks every field of it how to be written:
for 256 buyers that is four fifths of a batch's CPU (`bench/teller.py`). Here values go
as they are: by COPY on PostgreSQL, for a third of the CPU of an INSERT with as many
parameters, and by one prepared INSERT on SQLite.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from django.db import connection, models

Value = int | str | bytes | None
Column = list[Any] | Value
"""A list with a value for each row, or one for all."""


def insert(
    model: type[models.Model], count: int, columns: Mapping[str, Column]
) -> None:
    """Insert `count` rows of `columns` (by their database names), in one statement.

    A UUID is given as its `hex`, JSON as its text. Columns left out must be nullable,
    or have a default in the database.
    """
    into = f"{_table(model)} ({', '.join(columns)})"
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            marks = ", ".join(["%s"] * len(columns))
            statement = f"INSERT INTO {into} VALUES ({marks})"  # noqa: S608 - our names
            cursor.executemany(statement, list(_rows(columns, count)))
            return
        # Django turns the driver's errors into its own for `execute` only.
        with (
            connection.wrap_database_errors,
            cursor.copy(f"COPY {into} FROM STDIN") as copy,
        ):
            for row in _rows(columns, count):
                copy.write_row(row)


def add(
    model: type[models.Model],
    unique: Sequence[str],
    amount: str,
    columns: Mapping[str, list[int]],
) -> None:
    """Insert rows of numbers, or add the new `amount` to a row that stands already."""
    table = _table(model)
    into = f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 - our names
    then = (
        f"ON CONFLICT ({', '.join(unique)})"
        f" DO UPDATE SET {amount} = {table}.{amount} + excluded.{amount}"
    )
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            marks = ", ".join(["%s"] * len(columns))
            rows = list(zip(*columns.values(), strict=True))
            cursor.executemany(f"{into} VALUES ({marks}) {then}", rows)
        else:
            arrays = ", ".join(["%s::bigint[]"] * len(columns))
            rows_of = f"SELECT * FROM unnest({arrays})"  # noqa: S608 - our arrays
            cursor.execute(f"{into} {rows_of} {then}", list(columns.values()))


def reserve(model: type[models.Model], count: int) -> list[int]:
    """Ids for `count` new rows that nobody else will get.

    On SQLite that is true in a transaction that has the write lock, as ours begin with.
    """
    table = _table(model)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            last = cursor.fetchone()
            first = last[0] + 1 if last else 1
            return list(range(first, first + count))
        # OFFSET 0: the sequence is looked up once, not for each id.
        cursor.execute(
            "SELECT nextval(ids) FROM generate_series(1, %s), "
            "(SELECT pg_get_serial_sequence(%s, 'id')::regclass AS ids OFFSET 0) named",
            [count, table],
        )
        return [row[0] for row in cursor.fetchall()]


def _table(model: type[models.Model]) -> str:
    return model._meta.db_table


def _rows(columns: Mapping[str, Column], count: int) -> Iterable[tuple[Value, ...]]:
    return zip(
        *(
            column if isinstance(column, list) else repeat(column, count)
            for column in columns.values()
        ),
        strict=True,
    )
