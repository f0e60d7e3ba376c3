"""Two partners of the square who sign tokens: one with a secret, one with Ed25519."""

import base64
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

SECRET = b"a secret both sides have, 32 b.."
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()


SIGNERS: dict[str, tuple[Any, str]] = {
    "shared": (SECRET, "HS256"),
    "signed": (PRIVATE, "EdDSA"),
}


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


KEYS = json.dumps(
    {
        "keys": [
            {"kid": "shared", "kty": "oct", "alg": "HS256", "k": _text(SECRET)},
            {"kid": "signed", "kty": "OKP", "crv": "Ed25519", "x": _text(PUBLIC)},
        ]
    }
)
TRUSTING = {"SOUK_JWT_KEYS": KEYS, "SOUK_URL": settings.SOUK_URL}
"""The environment of a server that trusts them, and is whom their tokens are for."""


def token(
    user: int | str,
    seconds: float = 3600,
    *,
    kid: str = "shared",
    by: tuple[Any, str] | None = None,
    **claims: Any,
) -> str:
    """As a partner makes it; a claim of None is left out. `by`: key and algorithm."""
    now = int(time.time())
    usual = {"sub": str(user), "aud": settings.SOUK_URL, "iat": now}
    said = usual | {"exp": now + seconds} | claims
    said = {name: value for name, value in said.items() if value is not None}
    key, algorithm = by or SIGNERS.get(kid, SIGNERS["shared"])
    return jwt.encode(said, key, algorithm, {"kid": kid})
