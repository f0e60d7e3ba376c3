"""Publishing by HTTP: WHIP (RFC 9725), lenient where encoders are.

The order of refusals is that of docs/rooms/streams.md. A DELETE ends the session and
only interrupts the show.
"""

from contextlib import suppress

from django.http import HttpRequest, HttpResponse

from realtime import Rate, Unavailable, db
from streams.actions import ingests, lifecycle
from streams.backends import Opening, backend
from streams.calls import Declined
from streams.http import (
    FRAGMENT,
    FRAGMENT_BYTES,
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
from streams.lifecycle import MAX_TAKEOVERS_A_MINUTE
from streams.media.contract import Answer, Fragment
from streams.models import Ingest

A_MINUTE = 1 / 60
ADDRESS = Rate(60 * A_MINUTE, burst=60)
KEY = Rate(10 * A_MINUTE, burst=10)
WRONG = Rate(10 * A_MINUTE, burst=10)
TAKEOVER = Rate(MAX_TAKEOVERS_A_MINUTE * A_MINUTE, burst=MAX_TAKEOVERS_A_MINUTE)
PATCHES = Rate(10, burst=10)
DELETES = Rate(5, burst=5)


async def publish(
    request: HttpRequest, stream: str | None = None, key: str = ""
) -> HttpResponse:
    """POST an offer; 201 with the answer, the session's address and its ETag."""
    await limit(client_address(request), "whip", ADDRESS)
    publisher = await _publisher(request, key or bearer(request))
    offer = body(request, SDP, SDP_BYTES)
    try:
        target = await db(ingests.target, publisher, stream)
    except ingests.Ambiguous as several:
        raise Problem(409, "ambiguous", streams=several.streams) from None
    if target.on_air:
        # Of two encoders that fight for a stream one stays on air.
        await limit(f"stream:{target.stream}", "takeover", TAKEOVER)
    agent = request.headers.get("User-Agent", "")
    opening = await db(ingests.open_ingest, publisher, target.stream, agent)
    answer = await _opened(opening, offer, via(request))
    return created(answer, f"/whip/session/{opening.ingest}")


async def patch(request: HttpRequest, session: str) -> HttpResponse:
    """Trickle: 204. ICE restart: 200 with our new credentials and ETag."""
    await limit(f"session:{session}", "patch", PATCHES)
    ingest = await _session(request, session)
    return await patched(request, ingest.node, session)


async def delete(request: HttpRequest, session: str) -> HttpResponse:
    """End the session, also a second time; its show is interrupted, never ended."""
    await limit(f"session:{session}", "delete", DELETES)
    ingest = await _session(request, session)
    # The row first: whether or not the node hears of it, the session is over.
    if await db(lifecycle.ingest_closed, session, "deleted"):
        with suppress(Unavailable):
            await backend().hang_up(ingest.node, session, "deleted")
    return bare(200)


async def nothing(request: HttpRequest, **_: str) -> HttpResponse:
    """GET and HEAD: 204 (RFC 9725 §4.1)."""
    return bare(204)


def created(answer: Answer, location: str) -> HttpResponse:
    return HttpResponse(
        answer.sdp,
        status=201,
        content_type=SDP,
        headers={
            "Location": location,
            "ETag": f'"{answer.etag}"',
            "Accept-Patch": FRAGMENT,
        },
    )


async def patched(request: HttpRequest, node: str, session: str) -> HttpResponse:
    fragment = body(request, FRAGMENT, FRAGMENT_BYTES)
    if_match = request.headers.get("If-Match")
    answer = await backend().patch(node, session, if_match, fragment)
    return bare(204) if answer is None else _restarted(answer)


def _restarted(answer: Fragment) -> HttpResponse:
    etag = {"ETag": f'"{answer.etag}"'}
    return HttpResponse(answer.sdpfrag, content_type=FRAGMENT, headers=etag)


async def _publisher(request: HttpRequest, secret: str) -> ingests.Publisher:
    publisher = await db(ingests.authenticate, secret) if secret else None
    if publisher is None:
        if secret:
            await limit(client_address(request), "wrong bearer", WRONG)
        raise Problem(401, "unauthorized", {"WWW-Authenticate": "Bearer"})
    actor = f"key:{publisher.key}" if publisher.key else publisher.user
    await limit(actor, "whip", KEY)
    return publisher


async def _session(request: HttpRequest, session: str) -> Ingest:
    """By its secret address alone; a bearer is not needed, but a wrong one is 401."""
    ingest = await db(ingests.find_ingest, session)
    if secret := bearer(request):
        publisher = await db(ingests.authenticate, secret)
        if publisher is None or not await db(
            ingests.may_publish, publisher, ingest.stream
        ):
            raise Problem(401, "unauthorized", {"WWW-Authenticate": "Bearer"})
    return ingest


async def _opened(opening: Opening, offer: str, address: str) -> Answer:
    try:
        answer = await backend().publish(opening, offer, address)
    except (Declined, Unavailable):
        await db(ingests.refused, opening)
        raise
    await db(ingests.accepted, opening)
    return answer


endpoint = door({"POST": publish, "GET": nothing, "HEAD": nothing}, accept_post=True)
resource = door({"PATCH": patch, "DELETE": delete, "GET": nothing, "HEAD": nothing})
