"""`once`: a command sent again with its key has one effect and one answer, for ever."""

from collections.abc import Callable
from hashlib import blake2b
from typing import TypeVar

import msgspec
from django.db import IntegrityError, transaction

from realtime.exceptions import KEY_REUSED, CommandError
from realtime.router import Mutation

T = TypeVar("T")


def digest_of(command: Mutation) -> bytes:
    """BLAKE2b-128 of the decoded command: equal bodies, whatever their spelling."""
    return blake2b(msgspec.msgpack.encode(command), digest_size=16).digest()


def once(actor: int, command: Mutation, reply: type[T], act: Callable[[], T]) -> T:
    """Run `act` in a transaction unless `actor` did so under this key: then the answer.

    Opens the transaction itself (in a database thread), so that its return means
    committed. The answer is decoded to `reply`. A refusal (`CommandError`) or any
    other error of `act` is not stored: the same key may succeed later.

    Raises `KEY_REUSED` when the key stands for another body, and what `act` raises.
    """
    digest = digest_of(command)
    try:
        with transaction.atomic(durable=True):
            if (answer := _answer(actor, command, digest)) is not None:
                return msgspec.msgpack.decode(answer, type=reply)
            made = act()
            _keep(actor, command, digest, msgspec.msgpack.encode(made))
            return made
    except (IntegrityError, CommandError):
        # The same key may have been decided beside us while `act` waited for a row:
        # then ours was rolled back, and theirs (perhaps its last unit) is the answer.
        if (answer := _answer(actor, command, digest)) is None:
            raise
        return msgspec.msgpack.decode(answer, type=reply)


def _answer(actor: int, command: Mutation, digest: bytes) -> bytes | None:
    from realtime.models import Answered

    found = Answered.objects.filter(actor=actor, key=command.key).first()
    if found is None:
        return None
    if bytes(found.digest) != digest:
        raise KEY_REUSED(method=command.__struct_config__.tag)
    return bytes(found.reply)


def _keep(actor: int, command: Mutation, digest: bytes, reply: bytes) -> None:
    from realtime.models import Answered

    Answered.objects.create(actor=actor, key=command.key, digest=digest, reply=reply)
