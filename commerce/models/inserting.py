"""Many rows by one statement, from plain values: what the teller writes with.

`bulk_create` makes an object of each row and asks every field of it how to be written:
for 256 buyers that is four fifths of a batch's CPU (`bench/teller.py`). Here a column's
values go as they are.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, models

Column = Sequence[Any] | int | str | bool | None
"""A value for each row, or one for all."""


def insert(
    model: type[models.Model],
    count: int,
    columns: Mapping[str, Column],
    *,
    adding: str | None = None,
    unique: Sequence[str] = (),
) -> None:
    """Insert `count` rows of `columns` (by their database names), in one statement.

    Values: int, str, bytes, UUID, None, dict for JSON. Columns left out must be
    nullable, or have a default in the database. A row that stands already, by its
    `unique` columns, gets what the new one has in `adding` on top.

    Raises LookupError for a column the model has not.
    """
    kinds = {field.column: field.db_type(connection) for field in _fields(model)}
    if unknown := set(columns) - set(kinds):
        raise LookupError(f"{model.__name__} has no {sorted(unknown)}")
    names = ", ".join(f'"{column}"' for column in columns)
    table = model._meta.db_table
    into = f'INSERT INTO "{table}" ({names})'  # noqa: S608 - our names
    then = ""
    if adding is not None:
        same = ", ".join(f'"{column}"' for column in unique)
        sum_of = f'"{table}"."{adding}" + excluded."{adding}"'
        then = f' ON CONFLICT ({same}) DO UPDATE SET "{adding}" = {sum_of}'
    values = [_spread(column, count) for column in columns.values()]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            marks = ", ".join(["%s"] * len(values))
            cursor.executemany(
                f"{into} VALUES ({marks}){then}", list(zip(*values, strict=True))
            )
        else:
            arrays = ", ".join(f"%s::{kinds[column]}[]" for column in columns)
            rows = f"SELECT * FROM unnest({arrays})"  # noqa: S608 - our types
            cursor.execute(f"{into} {rows}{then}", values)


def reserve(model: type[models.Model], count: int) -> list[int]:
    """Ids for `count` new rows that nobody else will get.

    On SQLite that is true in a transaction that has the write lock, as ours begin with.
    """
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            last = cursor.fetchone()
            first = last[0] + 1 if last else 1
            return list(range(first, first + count))
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id'))"
            " FROM generate_series(1, %s)",
            [table, count],
        )
        return [row[0] for row in cursor.fetchall()]


def _fields(model: type[models.Model]) -> Sequence[Any]:
    return model._meta.concrete_fields


def _spread(column: Column, count: int) -> list[Any]:
    if isinstance(column, Sequence) and not isinstance(column, str):
        return [_plain(value) for value in column]
    return [column] * count


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, UUID) and connection.vendor == "sqlite":
        return value.hex
    return value
