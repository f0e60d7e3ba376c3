"""Media processes in SQL: they say that they live; what a dead one held is lost."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Greatest, Now
from msgspec import Struct

from streams.actions import lifecycle
from streams.models import Ingest, MediaNode, Stream
from streams.models.nodes import FRESH

UNHEARD = timedelta(seconds=6)
"""Younger rows may not have reached their node yet: a call lives for three seconds."""


class Room(Struct, frozen=True):
    """An open stream of a node, with the audience it had."""

    stream: int
    viewers: int
    peak: int
    total: int


class Held(Struct, frozen=True):
    """What SQL says a node has, to be compared with what it has.

    `ingests` are all that run, `settled` those that the node must know by now, `over`
    the streams asked for that have ended, `rooms` its open streams.
    """

    ingests: frozenset[str]
    settled: frozenset[str]
    over: frozenset[int]
    rooms: list[Room]


def register(name: str, boot: str, port: int, addresses: Sequence[str]) -> None:
    """A node begins. What an earlier boot of it held is lost."""
    fields = {
        "boot": boot,
        "port": port,
        "addresses": list(addresses),
        "seen_at": Now(),
        "draining": False,
    }
    MediaNode.objects.update_or_create(name=name, defaults=fields)
    _lose(name)


def beat(name: str, boot: str) -> str | None:
    """The node lives. The boot of that name: another's, or None: the row is gone."""
    if MediaNode.objects.filter(name=name, boot=boot).update(seen_at=Now()):
        return boot
    return MediaNode.objects.filter(name=name).values_list("boot", flat=True).first()


def drain(name: str, boot: str) -> None:
    """No new sessions for this node."""
    MediaNode.objects.filter(name=name, boot=boot).update(draining=True)


def held(name: str, streams: Iterable[int]) -> Held:
    running = Ingest.objects.running().filter(node=name)
    settled = running.filter(created_at__lt=Now() - UNHEARD)
    over = Stream.objects.filter(pk__in=list(streams), state=Stream.State.ENDED)
    rooms = Stream.objects.live().filter(node=name)
    return Held(
        ingests=frozenset(running.values_list("pk", flat=True)),
        settled=frozenset(settled.values_list("pk", flat=True)),
        over=frozenset(over.values_list("pk", flat=True)),
        rooms=[
            Room(s.pk, s.viewers, s.peak, s.total)
            for s in rooms.only("viewers", "peak", "total")
        ],
    )


def lose_the_dead() -> None:
    """Close what nodes held that are silent for six seconds; their hosts come back."""
    dead = MediaNode.objects.filter(seen_at__lt=Now() - FRESH)
    holding = Ingest.objects.running().filter(node__in=dead.values("name"))
    for name in set(holding.values_list("node", flat=True)):
        _lose(name)


@transaction.atomic
def save_audience(rooms: Sequence[Room]) -> None:
    """What lists show. Peak and total never fall."""
    for room in rooms:
        Stream.objects.filter(pk=room.stream).update(
            viewers=room.viewers,
            peak=Greatest("peak", room.peak),
            total=Greatest("total", room.total),
        )


def _lose(name: str) -> None:
    for ingest in Ingest.objects.running().filter(node=name):
        lifecycle.ingest_closed(ingest.pk, "node_lost")
