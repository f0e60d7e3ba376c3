"""Start-up checks of what realtime needs from its surroundings."""

import socket
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from realtime import jwt, sends
from realtime.embedded import binary
from realtime.nodes import nodes


@register()
def store_can_be_started(**_: Any) -> list[CheckMessage]:
    if settings.REDIS_URL:
        try:
            nodes(settings.REDIS_URL)
        except ValueError as error:
            hint = f"See docs/topics/store.md: {error}."
            return [Error("REDIS_URL is wrong.", hint=hint, id="realtime.E005")]
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


@register()
def proxies_are_networks(**_: Any) -> list[CheckMessage]:
    try:
        for proxy in settings.SOUK_PROXIES:
            ip_network(proxy, strict=False)
    except ValueError as error:
        hint = f"Addresses or networks, separated by commas: {error}."
        return [Error("SOUK_PROXIES is wrong.", hint=hint, id="realtime.E004")]
    return []


@register()
def tokens_cannot_be_guessed(**_: Any) -> list[CheckMessage]:
    try:
        jwt.keys(settings.SOUK_JWT_KEYS)
    except ValueError as error:
        hint = f"A JWK Set (RFC 7517) of oct and Ed25519 keys: {error}."
        return [Error("SOUK_JWT_KEYS is wrong.", hint=hint, id="realtime.E003")]
    return []


@register()
def a_port_can_be_shared(**_: Any) -> list[CheckMessage]:
    """Where it cannot, the second web process finds the port taken."""
    if settings.SOUK_WEB < 2 or hasattr(socket, "SO_REUSEPORT"):
        return []
    hint = "Set SOUK_WEB=1."
    text = "Several web processes cannot share one port on this system."
    return [Warning(text, hint=hint, id="realtime.W003")]


@register()
def fan_out_is_built(**_: Any) -> list[CheckMessage]:
    """Said only where it was not asked for."""
    if sends.built or not sends.WANTED:
        return []
    return [
        Warning(
            "Frames are sent by Python: beside a busy thread that is slow.",
            hint="Install a C compiler, then run pip install -e . again, "
            "or set SOUK_SENDMANY=0.",
            id="realtime.W001",
        )
    ]
