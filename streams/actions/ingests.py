"""Publishing sessions before they show: who asks, for which stream, on which node."""

from django.db import transaction
from django.db.models import Count
from django.db.models.functions import Now
from msgspec import Struct

from realtime.exceptions import NOT_FOUND
from streams import database, tickets
from streams.actions import announcing, lifecycle
from streams.actions.keys import find_key
from streams.actions.people import refuse_banned
from streams.backends import Opening
from streams.errors import MEDIA_UNAVAILABLE, STREAM_STATE
from streams.models import Ingest, MediaNode, Stream, StreamKey
from streams.roles import can_direct


class Publisher(Struct, frozen=True):
    """Who holds the bearer; `stream` is the only one it is good for, if any."""

    user: int
    key: int | None
    stream: int | None


class Target(Struct, frozen=True):
    """Where a publisher may publish; `on_air`: there is a picture to take over."""

    stream: int
    on_air: bool


class Ambiguous(Exception):
    """The bearer is good for several streams: name one."""

    def __init__(self, streams: list[int]) -> None:
        super().__init__(streams)
        self.streams = streams


def authenticate(bearer: str) -> Publisher | None:
    """Whose bearer this is: a publish ticket's or a stream key's; None: nobody's."""
    if (ticket := tickets.read("publish", bearer)) is not None:
        return Publisher(ticket.user, None, ticket.stream)
    key = find_key(bearer)
    if key is None:
        return None
    StreamKey.objects.filter(pk=key.pk).update(used_at=Now())
    return Publisher(key.host_id, key.pk, key.stream_id)


def may_publish(publisher: Publisher, stream: Stream) -> bool:
    """A key is its host's; a ticket's holder must still direct the stream."""
    if publisher.stream not in (None, stream.pk):
        return False
    if publisher.key is not None:
        return stream.host_id == publisher.user
    return can_direct(publisher.user, stream)


def target(publisher: Publisher, wanted: str | None) -> Target:
    """The stream to publish to. `wanted` is the address's word, None: there is none.

    Raises NOT_FOUND for unknown and another's alike, PUBLISH_BANNED, STREAM_STATE, and
    Ambiguous.
    """
    stream = _wanted(wanted) if wanted is not None else _only(publisher)
    if stream is None or not may_publish(publisher, stream):
        raise NOT_FOUND()
    refuse_banned(publisher.user, stream.host_id)
    _refuse_ended(stream)
    return Target(stream.pk, stream.ingests.showing().exists())


@transaction.atomic
def open_ingest(publisher: Publisher, stream_id: int, agent: str) -> Opening:
    """A row of the next generation, before the node is asked.

    Raises NOT_FOUND for a key revoked meanwhile, STREAM_STATE, MEDIA_UNAVAILABLE.
    """
    stream = lifecycle.locked(stream_id)
    _refuse_revoked(publisher)
    _refuse_ended(stream)
    stream.last_generation += 1
    stream.node = _place(stream)
    stream.save(update_fields=["last_generation", "node"])
    ingest = Ingest.objects.create(
        stream=stream,
        generation=stream.last_generation,
        by_id=publisher.user,
        key_id=publisher.key,
        node=stream.node,
        agent=agent[:200],
    )
    return Opening(
        ingest=ingest.pk,
        stream=stream.pk,
        generation=ingest.generation,
        node=ingest.node,
        codec=lifecycle.media_of(stream).video,
        max_kbps=stream.max_kbps,
    )


@transaction.atomic
def accepted(opening: Opening) -> None:
    """The node has answered: tell the studio."""
    stream = lifecycle.locked(opening.stream)
    ingest = stream.ingests.get(pk=opening.ingest)
    announcing.ingest_opened(stream, ingest, database.now())


def refused(opening: Opening) -> None:
    """The node has refused, or not answered: leave nothing behind.

    Should it have opened a session all the same, it finds no row for it and closes it.
    """
    rows = Ingest.objects.filter(pk=opening.ingest, state=Ingest.State.CONNECTING)
    rows.delete()


def find_ingest(session: str) -> Ingest:
    """Raises NOT_FOUND."""
    # PostgreSQL takes no NUL in a text.
    rows = Ingest.objects.select_related("stream")
    ingest = None if "\0" in session else rows.filter(pk=session).first()
    if ingest is None:
        raise NOT_FOUND()
    return ingest


def came_by(key_id: int) -> list[Ingest]:
    """The running ingests of a stream key."""
    return list(Ingest.objects.running().filter(key=key_id))


def _wanted(word: str) -> Stream | None:
    if not (word.isascii() and word.isdecimal() and len(word) < 19):
        return None
    return Stream.objects.filter(pk=int(word)).first()


def _only(publisher: Publisher) -> Stream | None:
    """The bearer's stream, else its host's only one that may take an ingest."""
    if publisher.stream is not None:
        return Stream.objects.filter(pk=publisher.stream).first()
    mine = Stream.objects.filter(host=publisher.user)
    able = list(mine.exclude(state=Stream.State.ENDED).order_by("pk")[:100])
    if len(able) > 1:
        raise Ambiguous([stream.pk for stream in able])
    return able[0] if able else None


def _refuse_revoked(publisher: Publisher) -> None:
    """Held until we commit: a revocation comes before, or finds our row to close."""
    usable = StreamKey.objects.usable().select_for_update(no_key=True)
    if publisher.key and not usable.filter(pk=publisher.key).exists():
        raise NOT_FOUND()


def _refuse_ended(stream: Stream) -> None:
    if stream.state == Stream.State.ENDED:
        raise STREAM_STATE(state=stream.state, version=stream.version)


def _place(stream: Stream) -> str:
    """The stream's node while it takes sessions, else that with the fewest ingests."""
    taking = list(MediaNode.objects.taking().values_list("name", flat=True))
    if stream.node in taking:
        return stream.node
    if not taking:
        raise MEDIA_UNAVAILABLE(retry_after_ms=2000)
    held = Ingest.objects.running().filter(node__in=taking).values_list("node")
    loads = dict(held.annotate(Count("pk")))
    return min(taking, key=lambda name: (loads.get(name, 0), name))
