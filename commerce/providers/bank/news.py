"""What the bank tells the shop: signed webhooks, each tried once.

A lost one is not sent again: the shop asks by itself (its poll), and must. The dial
makes news come twice, late, in another order, not at all, or from somebody else.
"""

import logging
import random
import threading
import time
from functools import cache

import httpx
import msgspec
from django.conf import settings

from commerce.providers.bank import dial, ledger
from commerce.providers.bank.signing import HEADER, secret
from commerce.providers.signing import sign

log = logging.getLogger(__name__)

_STATUS = {"requires_payment": "requires_payment_method"}
_STEPS = [
    ("payment_intent.created", "requires_payment"),
    ("payment_intent.processing", "processing"),
]
"""What else is told when news is shuffled: the way to the end."""


def intent_json(entry: ledger.Entry) -> dict[str, object]:
    """A payment intent as it goes over the wire."""
    paid = entry.status == "succeeded"
    return {
        "id": entry.id,
        "object": "payment_intent",
        "status": _STATUS.get(entry.status, entry.status),
        "amount": entry.amount,
        "amount_received": entry.amount if paid else 0,
        "currency": entry.currency,
        "description": entry.description,
        "client_secret": f"{entry.id}_secret",
        "created": entry.created,
        "metadata": {
            "key": entry.key,
            "order": entry.shop_order,
            "shop": entry.shop,
            "site": entry.site,
        },
    }


def refund_json(back: ledger.Back) -> dict[str, object]:
    """A refund as it goes over the wire."""
    return {
        "id": back.id,
        "object": "refund",
        "status": back.status,
        "amount": back.amount,
        "payment_intent": back.intent,
        "created": back.created,
        "metadata": {"key": back.key, "reason": back.reason},
    }


def signed(
    entry: ledger.Entry, event: str, kind: str, *, by: str = ""
) -> tuple[bytes, dict[str, str]]:
    """The body and headers of one piece of news; `by` another's key, if not ours."""
    body = msgspec.json.encode(
        {
            "id": event,
            "object": "event",
            "type": kind,
            "data": {"object": intent_json(entry)},
        }
    )
    signature = sign(by or secret(settings.SECRET_KEY, "news"), int(time.time()), body)
    return body, {"Content-Type": "application/json", HEADER: signature}


Letter = tuple[ledger.Entry, str, str, str]
"""An intent, the event's id and kind, and whose key signs it, if not the bank's."""


def tell(ref: str) -> None:
    """Send what happened to an intent; if the shop is away, it is lost."""
    entry = ledger.get(ref)
    if entry is None:
        return
    now = dial.read()
    letters = _letters(entry, now)
    if not (now.delay_ms or now.shuffle):
        _post(letters)
        return
    order = random.Random(f"{now.seed}:{ref}")  # noqa: S311 - no secret
    if now.shuffle:
        order.shuffle(letters)
    for letter in letters:
        late = now.delay_ms * (order.random() if now.shuffle else 1)
        threading.Timer(late / 1000, _post, [[letter]]).start()


def _letters(entry: ledger.Entry, now: dial.Dial) -> list[Letter]:
    steps = []
    if now.shuffle:
        for kind, status in _STEPS:
            then = msgspec.structs.replace(entry, status=status)
            steps.append((then, f"evt_{entry.id}_{status}", kind))
    steps += [(entry, event, kind) for event, kind in ledger.events(entry.id)]
    letters: list[Letter] = []
    for then, event, kind in steps:
        if not dial.chance(now.drop):
            letters += [(then, event, kind, "")] * (1 + now.duplicate)
        if dial.chance(now.forged):
            letters.append((_as_if_paid(entry), f"{event}_", kind, "somebody"))
    return letters


def _as_if_paid(entry: ledger.Entry) -> ledger.Entry:
    return msgspec.structs.replace(entry, status="succeeded")


def _post(letters: list[Letter]) -> None:
    for entry, event, kind, by in letters:
        body, headers = signed(entry, event, kind, by=by)
        try:
            url = f"{settings.SOUK_URL}/webhooks/pay/bank"
            _client().post(url, content=body, headers=headers)
        except httpx.HTTPError as error:
            log.warning("bank: news of %s was not taken: %s", entry.id, error)


@cache
def _client() -> httpx.Client:
    """One for all news: making one reads every certificate the machine trusts."""
    return httpx.Client(timeout=3, trust_env=False)
