"""JSON Web Tokens, with which others speak for our users: read here, never made.

`SOUK_JWT_KEYS` is a JWK Set (RFC 7517). A token's `kid` says by which of its keys it is
read, and the key alone by which algorithm: what the header says of that is only
compared (RFC 8725 §3.1). Neighbour: tokens.py, whose tickets and passes are our own.
"""

import re
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Literal

import jwt
import msgspec
from django.conf import settings
from msgspec import Meta, Struct

from realtime.exceptions import TOKEN_EXPIRED
from realtime.protocol import INVALID_TOKEN, Closing

SECRET_BYTES = 32
LEEWAY_SECONDS = 10
"""How far the clock of whoever signs may be from ours."""
LONGEST_SECONDS = 24 * 3600
CLAIMS = ["sub", "aud", "exp", "iat"]

_user = re.compile(r"[1-9][0-9]{0,17}").fullmatch
"""What any database has room for."""


class Claims(Struct, frozen=True):
    """Whom a token speaks for; `ttl`: for how many seconds from now, at least 1."""

    user: int
    ttl: int


Kid = Annotated[str, Meta(min_length=1)]


class _Shared(Struct, tag_field="kty", tag="oct"):
    kid: Kid
    k: str
    alg: Literal["HS256"] = "HS256"


class _Public(Struct, tag_field="kty", tag="OKP"):
    """`d`, the private half, is dropped like any other field."""

    kid: Kid
    crv: Literal["Ed25519"]
    x: str
    alg: Literal["EdDSA"] = "EdDSA"


class _KeySet(Struct):
    keys: list[_Shared | _Public]


@lru_cache(2)
def keys(text: str) -> Mapping[str, jwt.PyJWK]:
    """A JWK Set by `kid`. Raises ValueError for one no token is to be read with."""
    found: dict[str, jwt.PyJWK] = {}
    for told in msgspec.json.decode(text, type=_KeySet).keys if text else ():
        if told.kid in found:
            raise ValueError(f"two keys have the kid {told.kid}")
        try:
            found[told.kid] = key = jwt.PyJWK(msgspec.to_builtins(told), told.alg)
        except jwt.PyJWTError as error:
            raise ValueError(f"{told.kid} cannot be read: {error}") from None
        if isinstance(key.key, bytes) and len(key.key) < SECRET_BYTES:
            raise ValueError(f"{told.kid} is shorter than {SECRET_BYTES} bytes")
    return found


def read(token: str) -> Claims:
    """What a token says that one of our keys has signed, for us (`aud` is `SOUK_URL`).

    Raises `TOKEN_EXPIRED` where only its time is over, `Closing` for anything else
    that is wrong with it, a life of more than a day included.
    """
    try:
        key = keys(settings.SOUK_JWT_KEYS)[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm_name],
            audience=settings.SOUK_URL,
            leeway=LEEWAY_SECONDS,
            options={"require": CLAIMS},
        )
        ttl = int(claims["exp"]) - int(time.time())
    except jwt.ExpiredSignatureError:
        raise TOKEN_EXPIRED() from None
    except (jwt.PyJWTError, KeyError):
        raise Closing(INVALID_TOKEN) from None
    if not _user(claims["sub"]) or ttl > LONGEST_SECONDS:
        raise Closing(INVALID_TOKEN)
    return Claims(int(claims["sub"]), max(ttl, 1))
