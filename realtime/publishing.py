"""How an event leaves: at once (`publish`) or with its transaction.

Neighbours: broker.py gives positions and tells every process, outbox.py sends what a
transaction decided.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import overload

import msgspec
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from msgspec import Struct

from realtime.broker import broker
from realtime.channels import namespace_of
from realtime.events import Event, Latest
from realtime.recovery import EXEMPT, LATEST, NO_KEEP, History, Position, Publication

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


def made(
    event: Event | Latest, *, exempt: bool = False, keep: bool = True
) -> Publication:
    """The event as it will be carried, before the store gives it an offset."""
    flags = (
        (EXEMPT if exempt else 0)
        | (0 if keep else NO_KEEP)
        | (LATEST if isinstance(event, Latest) else 0)
    )
    return Publication(
        offset=0,
        epoch="",
        data=encode_event(event),
        flags=flags,
        at=time.time_ns() // 1_000_000,
    )


@overload
async def publish(
    channel: str, event: Event | Latest, *, exempt: bool = ..., keep: bool = ...
) -> Position: ...
@overload
async def publish(
    channel: list[str] | tuple[str, ...],
    event: Event | Latest,
    *,
    exempt: bool = ...,
    keep: bool = ...,
) -> list[Position]: ...
async def publish(
    channel: str | list[str] | tuple[str, ...],
    event: Event | Latest,
    *,
    exempt: bool = False,
    keep: bool = True,
) -> Position | list[Position]:
    """Push `event` now; on the loop, one pipeline however many channels.

    May be lost by a crash before it returns, recoverable after. `exempt`: never shed by
    a room's load control. Not `keep`: no offset, no history, first to be dropped.

    Raises `Unavailable`, `UNKNOWN_CHANNEL`, ValueError for an event beyond 32 KiB.
    """
    publication = made(event, exempt=exempt, keep=keep)
    if isinstance(channel, str):
        return await broker().publish(channel, publication)
    return await asyncio.gather(
        *(broker().publish(each, publication) for each in channel)
    )


async def position(channel: str) -> Position:
    """Where a reader who knows all of the channel is. Read it before your rows."""
    return (await broker().history(channel)).position


async def history(channel: str, limit: int) -> History:
    """The channel's last publications, oldest first."""
    held = await broker().history(channel, None, limit, reverse=True)
    return History(held.position, held.publications[::-1])


def publish_on_commit(
    channels: str | Sequence[str], event: Event | Latest, *, exempt: bool = False
) -> None:
    """Push `event` to `channels` if the running transaction commits; any thread.

    One outbox row for all channels, sent at once by a web or media process, by the
    sweep within about three seconds otherwise. At least once, repeats within five
    minutes reach nobody; rows of one channel leave in the order of their ids.

    Raises TransactionManagementError outside `atomic`, `UNKNOWN_CHANNEL`, ValueError
    for an event beyond 32 KiB.
    """
    from realtime.models import OutboxEvent

    if not connection.in_atomic_block:
        raise TransactionManagementError("publish_on_commit needs a transaction")
    names = [channels] if isinstance(channels, str) else list(channels)
    for name in names:
        namespace_of(name)
    carried = made(event, exempt=exempt)
    row = OutboxEvent.objects.create(
        channels=names, data=carried.data, flags=carried.flags
    )
    transaction.on_commit(lambda: _committed(Row(row.pk, names, carried)))


class Row(Struct, frozen=True):
    """A committed outbox row, ready to be sent."""

    id: int
    channels: list[str]
    publication: Publication


_sender: Callable[[Row], None] | None = None


def hand_rows_to(sender: Callable[[Row], None] | None) -> None:
    """Name who sends this process's rows at once; called in the committing thread.

    Without a sender rows wait in the table for another process's sweep.
    """
    global _sender
    _sender = sender


def _committed(row: Row) -> None:
    if _sender is not None:
        _sender(row)
