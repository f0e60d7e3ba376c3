"""Who a socket speaks for: tickets bought with a session, and passes to come back.

A ticket `t.…` lives 30 s in the store and works once. A resume pass `r.…` is signed,
lives 24 h, and is given in exchange for either. Both carry how often their user had
signed out by then (sign_outs.py), and are void once that has changed. Anything else is
read as a JSON Web Token of somebody we trust (jwt.py).
"""

import base64
import hmac
import secrets
import time
from hashlib import blake2b, sha256

import msgspec
from django.conf import settings
from msgspec import Struct

from realtime import jwt
from realtime.exceptions import TOKEN_EXPIRED, UNAUTHORIZED
from realtime.protocol import INVALID_TOKEN, Closing
from realtime.sign_outs import sign_outs
from realtime.store import store, store_key

TICKET_SECONDS = 30
RESUME_SECONDS = 24 * 3600


class Holder(Struct, frozen=True, array_like=True):
    """For whom a token speaks, and how often they had signed out when it was made."""

    user: int
    sign_outs: int


class Pass(Struct, frozen=True, array_like=True):
    """What a resume pass says; `expires` in seconds since 1970."""

    holder: Holder
    expires: int


class Grant(Struct, frozen=True):
    """What a token is good for; `ttl` in seconds, 0 for as long as the socket lives."""

    holder: Holder
    ttl: int = 0


async def issue_ticket(user_id: int) -> str:
    """A ticket for one connect of `user_id` within 30 s.

    Raises `UNAUTHORIZED` for somebody who may not come in, `Unavailable`, `BUSY`.
    """
    times = await sign_outs().of(user_id)
    if times is None:
        raise UNAUTHORIZED()
    ticket = f"t.{secrets.token_urlsafe(24)}"
    held = f"{user_id} {times}"
    await store().call("SET", _ticket_key(ticket), held, "EX", TICKET_SECONDS)
    return ticket


def issue_resume(holder: Holder, now: float | None = None) -> str:
    """A pass for the next connects of its holder."""
    until = int(time.time() if now is None else now) + RESUME_SECONDS
    body = msgspec.msgpack.encode(Pass(holder, until))
    return f"r.{_text(body)}.{_text(_sign(body))}"


async def redeem(token: str) -> Grant:
    """For whom a token speaks, and how long.

    Raises `TOKEN_EXPIRED` for a ticket that is used, a token that is too old, or one
    from before its user signed out; `UNAUTHORIZED` for a JSON Web Token of somebody
    who may not come in; `Closing` for anything else; `Unavailable` without a store, or
    without a database; `BUSY`.
    """
    if token.startswith("t."):
        held = await store().call("GETDEL", _ticket_key(token))
        if held is None:
            raise TOKEN_EXPIRED()
        holder = Holder(*map(int, held.split()))
    elif token.startswith("r."):
        holder = _resume(token, time.time())
    else:
        claims = jwt.read(token)
        times = await sign_outs().of(claims.user)
        if times is None:
            raise UNAUTHORIZED()
        return Grant(Holder(claims.user, times), claims.ttl)
    if await sign_outs().of(holder.user) != holder.sign_outs:
        raise TOKEN_EXPIRED()
    return Grant(holder)


def _resume(token: str, now: float) -> Holder:
    _, body_text, mark_text = (*token.split("."), "", "")[:3]
    try:
        body, mark = _bytes(body_text), _bytes(mark_text)
    except ValueError:
        raise Closing(INVALID_TOKEN) from None
    if not hmac.compare_digest(mark, _sign(body)):
        raise Closing(INVALID_TOKEN)
    try:
        read = msgspec.msgpack.decode(body, type=Pass)
    except msgspec.DecodeError:  # signed by another version of us
        raise TOKEN_EXPIRED() from None
    if read.expires <= now:
        raise TOKEN_EXPIRED()
    return read.holder


def _sign(body: bytes) -> bytes:
    key = blake2b(settings.SECRET_KEY.encode(), person=b"souk.resume").digest()
    return hmac.digest(key, body, sha256)


def _ticket_key(ticket: str) -> str:
    """The store keeps a digest: whoever reads the store cannot connect."""
    return store_key(f"t:{sha256(ticket.encode()).hexdigest()}")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
