"""The players' door, on the real processes; pictures are in test_broadcast.py."""

import httpx
import pytest

from accounts.models import User
from realtime import db
from streams.actions import lifecycle
from streams.models import Stream
from tests.live import Connect
from tests.streams.conftest import offer
from tests.streams.live import MediaProcess
from tests.streams.test_whip import FRAGMENT, SDP, name_of

pytestmark = pytest.mark.django_db(transaction=True)

OFFER = offer("aiortc_viewer")


async def test_before_the_show_a_player_is_told_to_come_back(
    http: httpx.AsyncClient, stream: Stream
) -> None:
    response = await http.post(f"/whep/{stream.pk}", content=OFFER, headers=SDP)
    assert (response.status_code, name_of(response)) == (409, "not_live")
    assert response.headers["Retry-After"] == "2"
    assert response.json()["state"] == "draft"


async def test_after_the_show_too(http: httpx.AsyncClient, live: Stream) -> None:
    await db(lifecycle.end, live.pk, "host")
    response = await http.post(f"/whep/{live.pk}", content=OFFER, headers=SDP)
    assert (response.status_code, response.json()["state"]) == (409, "ended")


async def test_an_unknown_stream_is_404_and_discovery_says_what_is_posted(
    http: httpx.AsyncClient, stream: Stream
) -> None:
    for word in (stream.pk + 1000, "tea", "9" * 30):
        response = await http.post(f"/whep/{word}", content=OFFER, headers=SDP)
        assert (response.status_code, name_of(response)) == (404, "not_found")
    for method in ("GET", "HEAD"):
        response = await http.request(method, f"/whep/{stream.pk}")
        assert response.status_code == 200 and response.content == b""
        assert response.headers["Content-Type"] == "application/sdp"
    options = await http.options(f"/whep/{stream.pk}")
    assert options.headers["Accept-Post"] == "application/sdp"
    assert options.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_private_show_needs_a_ticket_and_a_wrong_one_is_401(
    http: httpx.AsyncClient,
    connect: Connect,
    live: Stream,
    host: User,
    media: MediaProcess,
) -> None:
    await db(
        Stream.objects.filter(pk=live.pk).update, visibility="private", node=media.node
    )
    url = f"/whep/{live.pk}"
    response = await http.post(url, content=OFFER, headers=SDP)
    assert (response.status_code, name_of(response)) == (401, "unauthorized")
    wrong = SDP | {"Authorization": "Bearer forged"}
    assert (await http.post(url, content=OFFER, headers=wrong)).status_code == 401
    page = await connect(host)
    watching = await page.rpc("stream.watch", {"stream": live.pk})
    assert watching["whep"] == url
    good = SDP | {"Authorization": f"Bearer {watching['ticket']}"}
    response = await http.post(url, content=OFFER, headers=good)
    # Let in; no picture was ever sent to this node.
    assert (response.status_code, name_of(response)) == (409, "not_live")
    other = await http.post(f"/whep/{live.pk + 1}", content=OFFER, headers=good)
    assert other.status_code == 404


async def test_a_preview_is_for_those_who_direct_it(
    http: httpx.AsyncClient, connect: Connect, stream: Stream, host: User, show: object
) -> None:
    assert callable(show)
    await db(show, stream)
    response = await http.post(f"/whep/{stream.pk}", content=OFFER, headers=SDP)
    assert (response.status_code, response.json()["state"]) == (409, "preview")
    studio = await connect(host)
    watching = await studio.rpc("stream.watch", {"stream": stream.pk})
    assert watching["state"] == "preview"


async def test_a_bad_request_at_the_players_door_is_refused_by_its_kind(
    http: httpx.AsyncClient, live: Stream, media: MediaProcess
) -> None:
    await db(Stream.objects.filter(pk=live.pk).update, node=media.node)
    url = f"/whep/{live.pk}"
    response = await http.post(url, content=OFFER, headers=FRAGMENT)
    assert (response.status_code, name_of(response)) == (415, "wrong_content_type")
    response = await http.post(url, content="v" * 65_537, headers=SDP)
    assert (response.status_code, name_of(response)) == (413, "too_large")
    response = await http.post(url, content="nonsense", headers=SDP)
    assert (response.status_code, name_of(response)) == (400, "bad_sdp")
    session = f"/whep/session/{media.node}.unknown"
    response = await http.patch(session, content="v=0", headers=SDP)
    assert (response.status_code, name_of(response)) == (422, "no_counter_offer")
    for gone in (session, "/whep/session/nowhere.unknown"):
        response = await http.delete(gone)
        assert (response.status_code, name_of(response)) == (404, "not_found")


async def test_the_thirty_first_join_of_a_bare_player_in_a_minute_is_429(
    http: httpx.AsyncClient, live: Stream, media: MediaProcess
) -> None:
    await db(Stream.objects.filter(pk=live.pk).update, node=media.node)
    for _ in range(30):
        response = await http.post(f"/whep/{live.pk}", content="x", headers=SDP)
        assert response.status_code == 400
    response = await http.post(f"/whep/{live.pk}", content="x", headers=SDP)
    assert response.status_code == 429


async def test_a_node_that_is_away_is_503_with_a_time_to_come_back(
    http: httpx.AsyncClient, live: Stream, node: str
) -> None:
    await db(Stream.objects.filter(pk=live.pk).update, node=node)
    response = await http.post(f"/whep/{live.pk}", content=OFFER, headers=SDP)
    assert (response.status_code, name_of(response)) == (503, "unavailable")
    assert response.headers["Retry-After"] == "2"
