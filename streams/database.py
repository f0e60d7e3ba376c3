"""The database's clock: the only one that streams, timers and nodes obey."""

from datetime import UTC, datetime

from django.db import connection


def now() -> datetime:
    """The database's time as the statement runs. One statement."""
    if connection.vendor == "postgresql":
        sql = "SELECT extract(epoch FROM clock_timestamp()) * 1000"
    else:
        sql = "SELECT (julianday('now') - 2440587.5) * 86400000"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return datetime.fromtimestamp(int(cursor.fetchone()[0]) / 1000, UTC)
