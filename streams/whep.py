"""Playing by HTTP: WHEP (draft), for our page and for bare players."""

from secrets import token_urlsafe

from django.http import HttpRequest, HttpResponse
from msgspec import Struct

from realtime import Rate, db
from realtime.exceptions import NOT_FOUND
from streams import tickets
from streams.actions.passes import can_play
from streams.backends import backend
from streams.errors import NOT_LIVE
from streams.http import (
    SDP,
    SDP_BYTES,
    Problem,
    bare,
    bearer,
    body,
    client_address,
    door,
    limit,
    via,
)
from streams.models import MediaNode, Stream
from streams.roles import can_watch
from streams.whip import A_MINUTE, DELETES, PATCHES, created, nothing, patched

ADDRESS = Rate(300 * A_MINUTE, burst=300)
VIEWER = Rate(30 * A_MINUTE, burst=30)


class Seat(Struct, frozen=True):
    """A viewer who may play. `user`: None for a bare player, 0 for nobody signed in."""

    stream: int
    node: str
    user: int | None


def seat(word: str, bearer: str) -> Seat:
    """Raises 401 for a bearer that is none, NOT_FOUND, NOT_LIVE."""
    ticket = tickets.read("play", bearer) if bearer else None
    if bearer and ticket is None:
        raise Problem(401, "unauthorized", {"WWW-Authenticate": "Bearer"})
    plain = word.isascii() and word.isdecimal() and len(word) < 19
    stream = Stream.objects.filter(pk=int(word)).first() if plain else None
    if ticket is not None and (stream is None or ticket.stream != stream.pk):
        raise NOT_FOUND()
    viewer = ticket.user or None if ticket is not None else None
    if stream is None:
        raise NOT_FOUND()
    if not can_watch(viewer, stream):
        raise Problem(401, "unauthorized", {"WWW-Authenticate": "Bearer"})
    if not can_play(viewer, stream):
        raise NOT_LIVE(state=stream.state)
    return Seat(stream.pk, stream.node, None if ticket is None else ticket.user)


async def play(request: HttpRequest, stream: str) -> HttpResponse:
    """POST an offer; 201 with the answer, the session's address and its ETag."""
    address = client_address(request)
    await limit(address, "whep", ADDRESS)
    secret = bearer(request)
    offer = body(request, SDP, SDP_BYTES)
    taken = await db(seat, stream, secret)
    await limit(taken.user or address, "watch", VIEWER)
    session = f"{taken.node}.{token_urlsafe(16)}"
    answer = await backend().play(
        taken.node, session, taken.stream, taken.user, offer, via(request)
    )
    return created(answer, f"/whep/session/{session}")


async def patch(request: HttpRequest, session: str) -> HttpResponse:
    """As WHIP's. A counter-offer, which we never ask for, is 422."""
    await limit(f"session:{session}", "patch", PATCHES)
    if request.content_type == SDP:
        raise Problem(422, "no_counter_offer")
    return await patched(request, await _node(session), session)


async def delete(request: HttpRequest, session: str) -> HttpResponse:
    await limit(f"session:{session}", "delete", DELETES)
    if not await backend().close(await _node(session), session, "left"):
        raise NOT_FOUND()
    return bare(200)


async def discover(request: HttpRequest, **_: str) -> HttpResponse:
    """HEAD and GET of the endpoint: what is posted here."""
    return bare(200, {"Content-Type": SDP})


def _known(session: str) -> str:
    node = session.partition(".")[0]
    if "\0" in node or not MediaNode.objects.alive().filter(name=node).exists():
        raise NOT_FOUND()
    return node


async def _node(session: str) -> str:
    return await db(_known, session)


endpoint = door({"POST": play, "GET": discover, "HEAD": discover}, accept_post=True)
resource = door({"PATCH": patch, "DELETE": delete, "GET": nothing, "HEAD": nothing})
