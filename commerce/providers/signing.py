"""How news is signed: HMAC-SHA256 over time and raw bytes, as `t=…,v1=…`. Pure.

The scheme is Stripe's (docs.stripe.com/webhooks, "Verify manually"); our bank signs by
it too.
"""

import hashlib
import hmac
from collections.abc import Sequence

TOLERANCE_S = 300
"""News is signed as it is sent, also the tenth time: older is a recording."""


def _mac(key: str, at: str, body: bytes) -> str:
    signed = at.encode() + b"." + body
    return hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def sign(key: str, at: int, body: bytes) -> str:
    """The header's value for news sent at `at` (epoch seconds)."""
    return f"t={at},v1={_mac(key, str(at), body)}"


def verified(keys: Sequence[str], header: str, body: bytes, now: float) -> bool:
    """Whether one of `keys` signed these bytes at most five minutes from `now`.

    Several keys, and several signatures in the header, while a secret is rotated.
    """
    pairs = [part.partition("=")[::2] for part in header[:1000].split(",")]
    at = next((value for name, value in pairs if name == "t"), "")
    if not (at.isascii() and at.isdigit() and len(at) <= 12):
        return False
    if abs(now - int(at)) > TOLERANCE_S:
        return False
    given = [value.encode() for name, value in pairs if name == "v1"]
    return any(
        hmac.compare_digest(mac, _mac(key, at, body).encode())
        for key in keys
        for mac in given
    )
