"""Start-up checks of what realtime needs from its surroundings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from realtime.embedded import binary


@register()
def store_can_be_started(**_: Any) -> list[CheckMessage]:
    if settings.REDIS_URL:
        return []
    try:
        binary()
    except ImproperlyConfigured as error:
        return [Error("There is no store.", hint=str(error), id="realtime.E001")]
    return []


@register()
def sqlite_keeps_what_it_accepted(**_: Any) -> list[CheckMessage]:
    """Without WAL and IMMEDIATE most contended transactions fail as "locked"."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return []
    options = database.get("OPTIONS", {})
    pragmas = options.get("init_command", "").lower().replace(" ", "")
    if options.get("transaction_mode") == "IMMEDIATE" and "journal_mode=wal" in pragmas:
        return []
    return [
        Error(
            "SQLite runs without WAL and IMMEDIATE transactions.",
            hint='OPTIONS: transaction_mode "IMMEDIATE", '
            'init_command "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL".',
            id="realtime.E002",
        )
    ]
