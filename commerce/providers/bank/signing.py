"""The bank's secrets, each from the house's one key, and where it signs. Pure."""

import hashlib
import hmac

HEADER = "Bank-Signature"


def secret(signing_key: str, purpose: str) -> str:
    """A secret of its own for each purpose."""
    text = f"souk.bank.{purpose}".encode()
    return hmac.new(signing_key.encode(), text, hashlib.sha256).hexdigest()
