"""How the bank signs its news: HMAC-SHA256 over the raw bytes, as `t=…,v1=…`. Pure."""

import hashlib
import hmac
import re

HEADER = "Bank-Signature"
_FORM = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def secret(signing_key: str, purpose: str) -> str:
    """A secret of its own for each purpose, from the house's one key."""
    text = f"souk.bank.{purpose}".encode()
    return hmac.new(signing_key.encode(), text, hashlib.sha256).hexdigest()


def _mac(key: str, at: str, body: bytes) -> str:
    signed = at.encode() + b"." + body
    return hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def sign(key: str, at: int, body: bytes) -> str:
    """The header's value for news sent at `at` (epoch seconds)."""
    return f"t={at},v1={_mac(key, str(at), body)}"


def verified(key: str, header: str, body: bytes) -> bool:
    """Whether the bank signed these bytes. Old news is fine: an event counts once."""
    found = _FORM.fullmatch(header)
    return found is not None and hmac.compare_digest(
        found[2], _mac(key, found[1], body)
    )
