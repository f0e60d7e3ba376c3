"""Start-up checks: a database that may forget a commit must not sell, nor may a shop
whose taxes nobody can read.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from commerce.policies import coupon_policy, tax_policy


@register()
def news_is_verified(**_: Any) -> list[CheckMessage]:
    """commerce.E005: Stripe would take money, and nothing it says could be believed."""
    if not settings.SOUK_STRIPE_KEY or settings.SOUK_STRIPE_WEBHOOK_SECRETS:
        return []
    return [
        Error(
            "SOUK_STRIPE_KEY is set, SOUK_STRIPE_WEBHOOK_SECRETS is not.",
            hint="Add the signing secret of the webhook /webhooks/pay/stripe.",
            id="commerce.E005",
        )
    ]


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


@register()
def policies_are_there(**_: Any) -> list[CheckMessage]:
    """commerce.E003: a quote could never be worked out."""
    try:
        tax_policy()
        coupon_policy()
    except (ImportError, OSError, msgspec.MsgspecError) as error:
        return [
            Error(
                f"The tax or coupon policy cannot be used: {error}",
                hint="See SOUK_TAX_POLICY, SOUK_TAX_TABLE and SOUK_COUPON_POLICY.",
                id="commerce.E003",
            )
        ]
    return []


@register()
def carriers_fit(**_: Any) -> list[CheckMessage]:
    """commerce.E004: the Inbox could not name them, or anybody could sign for them."""
    wrong = [
        name
        for name, secret in settings.SOUK_CARRIERS.items()
        if not 1 <= len(name) <= 11 or len(secret) < 16
    ]
    if not wrong:
        return []
    return [
        Error(
            f"SOUK_CARRIERS: {wrong[0]!r} is too long, or its secret too short.",
            hint="Names have 1 to 11 characters, secrets 16 or more.",
            id="commerce.E004",
        )
    ]


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
