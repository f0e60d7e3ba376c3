"""How an event leaves: at once (`publish`) or with its transaction.

Neighbours: broker.py gives positions and tells every process, outbox.py sends what a
transaction decided.
"""

from collections.abc import Sequence

import msgspec
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from realtime import outbox
from realtime.events import Event, Latest
from realtime.recovery import EXEMPT, LATEST, NO_KEEP

EVENT_BYTES = 32 * 1024
"""An event's bound, in MessagePack."""

encode = msgspec.msgpack.Encoder().encode


def encode_event(event: Event | Latest) -> bytes:
    """The event in MessagePack; a `Latest` as a map of its one key.

    Raises ValueError when it is larger than 32 KiB.
    """
    data = encode({event.key: event} if isinstance(event, Latest) else event)
    if len(data) > EVENT_BYTES:
        raise ValueError(f"{type(event).__name__}: {len(data)} bytes, 32 KiB at most")
    return data


def flags_of(event: Event | Latest, *, exempt: bool, keep: bool = True) -> int:
    return (
        (EXEMPT if exempt else 0)
        | (0 if keep else NO_KEEP)
        | (LATEST if isinstance(event, Latest) else 0)
    )


def publish_on_commit(
    channels: str | Sequence[str], event: Event | Latest, *, exempt: bool = False
) -> None:
    """Push `event` to `channels` if the running transaction commits; any thread.

    One outbox row for all channels, sent at once by a web or media process, by the
    sweep within about three seconds otherwise. At least once, repeats within five
    minutes reach nobody; rows of one channel leave in the order of their ids.

    Raises TransactionManagementError outside `atomic`.
    """
    from realtime.models import OutboxEvent

    if not connection.in_atomic_block:
        raise TransactionManagementError("publish_on_commit needs a transaction")
    row = OutboxEvent.objects.create(
        channels=[channels] if isinstance(channels, str) else list(channels),
        data=encode_event(event),
        flags=flags_of(event, exempt=exempt),
    )
    transaction.on_commit(lambda: outbox.committed(row.pk))
