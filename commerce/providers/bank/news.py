"""What the bank tells the shop: a signed webhook, tried once.

A lost one is not sent again: the shop asks by itself (its poll), and must.
"""

import logging
import time

import httpx
import msgspec
from django.conf import settings

from commerce.providers.bank import ledger
from commerce.providers.bank.signing import HEADER, secret, sign

log = logging.getLogger(__name__)


def intent_json(entry: ledger.Entry) -> dict[str, object]:
    """A payment intent as it goes over the wire."""
    return {
        "id": entry.id,
        "object": "payment_intent",
        "status": entry.status,
        "amount": entry.amount,
        "currency": entry.currency,
        "description": entry.description,
        "metadata": {"order": entry.shop_order, "shop": entry.shop},
    }


def signed(entry: ledger.Entry, event: str, kind: str) -> tuple[bytes, dict[str, str]]:
    """The body and headers of one piece of news."""
    body = msgspec.json.encode(
        {"id": event, "type": kind, "object": intent_json(entry)}
    )
    signature = sign(secret(settings.SECRET_KEY, "news"), int(time.time()), body)
    return body, {"Content-Type": "application/json", HEADER: signature}


def tell(ref: str) -> None:
    """Send what happened to an intent; if the shop is away, it is lost."""
    entry = ledger.get(ref)
    if entry is None:
        return
    for event, kind in ledger.events(ref):
        body, headers = signed(entry, event, kind)
        try:
            httpx.post(
                f"{settings.SOUK_URL}/webhooks/pay/bank",
                content=body,
                headers=headers,
                timeout=3,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            log.warning("bank: news of %s was not taken: %s", ref, error)
