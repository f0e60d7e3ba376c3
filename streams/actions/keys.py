"""Stream keys: made, listed, revoked, recognised.

A secret is 128 bits that only its owner holds; we keep its SHA-256.
"""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from realtime.exceptions import NOT_FOUND
from streams.actions.streams import directed
from streams.clock import epoch_ms, epoch_ms_or_none
from streams.commands.keys import CreateKey, KeyList, KeyMade, KeyView
from streams.errors import TOO_MANY
from streams.models import StreamKey

MAX_LIVE = 10


def secret_of(user: int, command: CreateKey) -> str:
    """The secret that this command makes; a resend of it makes the same.

    Derived, not drawn, so that the stored answer need not hold it in clear.
    """
    text = f"stream key\0{user}\0{command.key}"
    mac = hmac.digest(settings.SECRET_KEY.encode(), text.encode(), "sha256")
    return urlsafe_b64encode(mac[:16]).rstrip(b"=").decode()


def digest_of(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


@transaction.atomic
def create_key(user: int, command: CreateKey) -> KeyMade:
    """The key, told without its secret. Raises NOT_FOUND, TOO_MANY."""
    stream = command.stream
    if stream is not None and directed(user, stream).host_id != user:
        raise NOT_FOUND()
    if StreamKey.objects.usable().filter(host=user).count() >= MAX_LIVE:
        raise TOO_MANY(max=MAX_LIVE)
    secret = secret_of(user, command)
    key = StreamKey.objects.create(
        host_id=user,
        stream_id=stream,
        name=command.name.strip(),
        digest=digest_of(secret),
        hint=secret[-4:],
    )
    door = "/whip" if stream is None else f"/whip/{stream}"
    return KeyMade(key.pk, "", key.hint, f"{settings.SOUK_URL}{door}")


def list_keys(user: int) -> KeyList:
    keys = StreamKey.objects.usable().filter(host=user).order_by("-pk")
    return KeyList(
        [
            KeyView(
                id=key.pk,
                name=key.name,
                hint=key.hint,
                stream=key.stream_id,
                created_at=epoch_ms(key.created_at),
                used_at=epoch_ms_or_none(key.used_at),
            )
            for key in keys
        ]
    )


def revoke_key(user: int, key_id: int) -> None:
    """It is of no use from now on. Raises NOT_FOUND."""
    key = StreamKey.objects.filter(pk=key_id, host=user).first()
    if key is None:
        raise NOT_FOUND()
    StreamKey.objects.usable().filter(pk=key.pk).update(revoked_at=Now())


def find_key(secret: str) -> StreamKey | None:
    """The usable key with this secret. By its digest, so time tells nothing of it."""
    return StreamKey.objects.usable().filter(digest=digest_of(secret)).first()
