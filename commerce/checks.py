"""Start-up checks: a database that may forget a commit must not sell."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections


@register(Tags.database)
def commits_are_kept(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """commerce.E001 for PostgreSQL, commerce.E002 for SQLite."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        database = connections[alias]
        if database.vendor == "postgresql":
            found += _postgresql(alias)
        elif database.vendor == "sqlite":
            found += _sqlite(alias)
    return found


def _ask(alias: str, question: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute(question)
        return str(cursor.fetchone()[0])


def _postgresql(alias: str) -> list[CheckMessage]:
    if _ask(alias, "SHOW synchronous_commit") != "off":
        return []
    return [
        Error(
            "PostgreSQL's synchronous_commit is off: a sale could be forgotten.",
            hint="Leave it on for the role and the database Souk uses.",
            id="commerce.E001",
        )
    ]


def _sqlite(alias: str) -> list[CheckMessage]:
    connection = connections[alias]
    options = connection.settings_dict["OPTIONS"]
    kept = (
        _ask(alias, "PRAGMA journal_mode") == "wal",
        _ask(alias, "PRAGMA synchronous") == "2",
        options.get("transaction_mode") == "IMMEDIATE",
    )
    if all(kept):
        return []
    return [
        Error(
            "SQLite is not in WAL with synchronous=FULL and IMMEDIATE transactions.",
            hint="Use the options of config.settings.database().",
            id="commerce.E002",
        )
    ]
