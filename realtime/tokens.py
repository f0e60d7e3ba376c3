"""Who a socket speaks for: tickets bought with a session, and passes to come back.

A ticket `t.…` lives 30 s in the store and works once. A resume pass `r.…` is signed,
lives 24 h, and is given with every connect reply, so that returning costs no query.
"""

import base64
import hmac
import secrets
import time
from hashlib import blake2b, sha256

import msgspec
from django.conf import settings
from msgspec import Struct

from realtime.exceptions import TOKEN_EXPIRED
from realtime.protocol import INVALID_TOKEN, Closing
from realtime.store import store, store_key

TICKET_SECONDS = 30
RESUME_SECONDS = 24 * 3600


class Pass(Struct, frozen=True, array_like=True):
    """What a resume pass says: whose, and until when (seconds since 1970)."""

    user: int
    expires: int


async def issue_ticket(user_id: int) -> str:
    """A ticket for one connect of `user_id` within 30 s; raises `Unavailable`."""
    ticket = f"t.{secrets.token_urlsafe(24)}"
    await store().call("SET", _ticket_key(ticket), user_id, "EX", TICKET_SECONDS)
    return ticket


def issue_resume(user_id: int, now: float | None = None) -> str:
    """A pass for the next connects of `user_id`."""
    until = int(time.time() if now is None else now) + RESUME_SECONDS
    body = msgspec.msgpack.encode(Pass(user_id, until))
    return f"r.{_text(body)}.{_text(_sign(body))}"


async def redeem(token: str) -> int:
    """The user a token speaks for.

    Raises `TOKEN_EXPIRED` for a ticket that is used or too old and a pass that is,
    `Closing` for anything else, `Unavailable` without a store.
    """
    if token.startswith("t."):
        user = await store().call("GETDEL", _ticket_key(token))
        if user is None:
            raise TOKEN_EXPIRED()
        return int(user)
    if token.startswith("r."):
        return _resume(token, time.time())
    raise Closing(INVALID_TOKEN)


def _resume(token: str, now: float) -> int:
    _, body_text, mark_text = (*token.split("."), "", "")[:3]
    try:
        body, mark = _bytes(body_text), _bytes(mark_text)
    except ValueError:
        raise Closing(INVALID_TOKEN) from None
    if not hmac.compare_digest(mark, _sign(body)):
        raise Closing(INVALID_TOKEN)
    read = msgspec.msgpack.decode(body, type=Pass)
    if read.expires <= now:
        raise TOKEN_EXPIRED()
    return read.user


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
