"""The publishers' door, row by row, on the real web and media processes."""

import asyncio

import httpx
import pytest

from accounts.models import User
from realtime import db
from streams.actions import keys, lifecycle
from streams.models import Ingest, PublishBan, Role, Stream, StreamKey
from tests.live import Connect, Server
from tests.streams.conftest import new_key, offer
from tests.streams.live import MediaProcess

pytestmark = pytest.mark.django_db(transaction=True)

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
OFFER = offer("ffmpeg")


def bearing(secret: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}", **SDP, **headers}


def name_of(response: httpx.Response) -> str:
    """The problem's name; its facts are checked to be problem+json."""
    assert response.headers["Content-Type"] == "application/problem+json"
    told = response.json()
    assert told["status"] == response.status_code
    return str(told["type"]).removeprefix("urn:souk:")


async def publish(
    http: httpx.AsyncClient, stream: Stream, secret: str
) -> httpx.Response:
    response = await http.post(
        f"/whip/{stream.pk}", content=OFFER, headers=bearing(secret)
    )
    assert response.status_code == 201, response.text
    return response


async def test_a_good_offer_is_answered_201_with_all_that_a_client_needs(
    http: httpx.AsyncClient, stream: Stream, secret: str, media: MediaProcess
) -> None:
    response = await publish(http, stream, secret)
    assert response.headers["Content-Type"] == "application/sdp"
    ingest = await db(Ingest.objects.get)
    assert response.headers["Location"] == f"/whip/session/{ingest.pk}"
    etag = response.headers["ETag"]
    assert len(etag) > 6 and etag[0] == etag[-1] == '"'
    assert response.headers["Accept-Patch"] == FRAGMENT["Content-Type"]
    assert response.text.startswith("v=0\r\n") and len(response.content) < 8192
    assert f" 127.0.0.1 {media.port} typ host" in response.text
    assert (ingest.state, ingest.generation, ingest.node) == (
        "connecting",
        1,
        media.node,
    )


async def test_every_answer_may_be_read_by_pages_of_other_sites(
    http: httpx.AsyncClient, stream: Stream, secret: str
) -> None:
    preflight = await http.options(
        f"/whip/{stream.pk}", headers={"Origin": "https://elsewhere.example"}
    )
    assert preflight.status_code == 200
    assert preflight.headers["Accept-Post"] == "application/sdp"
    refused = await http.post(f"/whip/{stream.pk}", content=OFFER, headers=SDP)
    good = await publish(http, stream, secret)
    for response in (preflight, refused, good):
        headers = response.headers
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "Location" in headers["Access-Control-Expose-Headers"]
        assert "Authorization" in headers["Access-Control-Allow-Headers"]
        assert "POST" in headers["Access-Control-Allow-Methods"]
        assert "Set-Cookie" not in headers


async def test_get_says_nothing_and_unknown_methods_are_told_what_is_allowed(
    http: httpx.AsyncClient, stream: Stream
) -> None:
    for method in ("GET", "HEAD"):
        response = await http.request(method, f"/whip/{stream.pk}")
        assert (response.status_code, response.content) == (204, b"")
    response = await http.put(f"/whip/{stream.pk}", content=OFFER, headers=SDP)
    assert (response.status_code, name_of(response)) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


async def test_no_bearer_or_an_unknown_or_revoked_one_is_401(
    http: httpx.AsyncClient, stream: Stream, host: User, secret: str
) -> None:
    def revoke() -> None:
        keys.revoke_key(host.pk, StreamKey.objects.get().pk)

    await db(revoke)
    for headers in (SDP, bearing("nobody's"), bearing(secret), bearing("a:b:c")):
        response = await http.post(f"/whip/{stream.pk}", content=OFFER, headers=headers)
        assert (response.status_code, name_of(response)) == (401, "unauthorized")
        assert response.headers["WWW-Authenticate"] == "Bearer"
    assert not await db(Ingest.objects.exists)


async def test_another_host_s_key_and_an_unknown_stream_are_the_same_404(
    http: httpx.AsyncClient, stream: Stream, friend: User
) -> None:
    foreign = await db(new_key, friend)
    answers = [
        await http.post(f"/whip/{word}", content=OFFER, headers=bearing(foreign))
        for word in (stream.pk, stream.pk + 1000, "tea", "9" * 30)
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert name_of(answers[0]) == "not_found"
    assert not await db(Ingest.objects.exists)


async def test_a_key_of_one_stream_is_not_good_for_another(
    http: httpx.AsyncClient, stream: Stream, host: User
) -> None:
    other = await db(Stream.objects.create, host=host, title="Cups")
    bound = await db(new_key, host, stream)
    response = await http.post(
        f"/whip/{other.pk}", content=OFFER, headers=bearing(bound)
    )
    assert response.status_code == 404
    response = await http.post("/whip", content=OFFER, headers=bearing(bound))
    assert response.status_code == 201


async def test_a_ticket_of_another_stream_is_404_and_one_of_a_former_assistant_too(
    http: httpx.AsyncClient,
    connect: Connect,
    stream: Stream,
    host: User,
    friend: User,
) -> None:
    other = await db(Stream.objects.create, host=host, title="Cups")
    studio = await connect(host)
    given = await studio.rpc("stream.ticket", {"stream": other.pk})
    assert given["whip"] == f"/whip/{other.pk}"
    ticket = given["token"]
    response = await http.post(
        f"/whip/{stream.pk}", content=OFFER, headers=bearing(ticket)
    )
    assert response.status_code == 404
    role = await db(Role.objects.create, host=host, user=friend, role="assistant")
    helper = await connect(friend)
    ticket = (await helper.rpc("stream.ticket", {"stream": stream.pk}))["token"]
    response = await http.post("/whip", content=OFFER, headers=bearing(ticket))
    assert response.status_code == 201
    await db(role.delete)
    response = await http.post("/whip", content=OFFER, headers=bearing(ticket))
    assert response.status_code == 404


async def test_encoders_may_spell_the_bearer_as_they_do(
    http: httpx.AsyncClient, stream: Stream, secret: str
) -> None:
    for spelt in (f"bearer {secret}", f"BEARER   {secret}", secret):
        headers = {"Authorization": spelt, **SDP}
        response = await http.post(f"/whip/{stream.pk}", content=OFFER, headers=headers)
        assert response.status_code == 201, spelt
    response = await http.post(
        f"/whip/{stream.pk}/{secret}", content=OFFER, headers=SDP
    )
    assert response.status_code == 201


async def test_without_a_stream_in_the_address_the_only_one_is_meant(
    http: httpx.AsyncClient, stream: Stream, host: User, secret: str
) -> None:
    response = await http.post("/whip", content=OFFER, headers=bearing(secret))
    assert response.status_code == 201
    other = await db(Stream.objects.create, host=host, title="Cups")
    response = await http.post("/whip", content=OFFER, headers=bearing(secret))
    assert (response.status_code, name_of(response)) == (409, "ambiguous")
    assert response.json()["streams"] == [stream.pk, other.pk]


async def test_a_wrong_content_type_is_415_and_a_huge_offer_413(
    http: httpx.AsyncClient, stream: Stream, secret: str
) -> None:
    response = await http.post(
        f"/whip/{stream.pk}",
        content=OFFER,
        headers=bearing(secret) | {"Content-Type": "application/json"},
    )
    assert (response.status_code, name_of(response)) == (415, "wrong_content_type")
    assert response.headers["Accept-Post"] == "application/sdp"
    response = await http.post(
        f"/whip/{stream.pk}", content="v" * 65_537, headers=bearing(secret)
    )
    assert (response.status_code, name_of(response)) == (413, "too_large")
    assert not await db(Ingest.objects.exists)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        b"<html></html>",
        OFFER.partition("m=video")[0].encode() + b"m=vid",
        b"v=0\r\n" * 2000,
    ],
    ids=["empty", "binary", "html", "truncated", "long"],
)
async def test_an_offer_that_is_no_sdp_is_400_and_leaves_nothing(
    http: httpx.AsyncClient, stream: Stream, secret: str, body: bytes
) -> None:
    response = await http.post(
        f"/whip/{stream.pk}", content=body, headers=bearing(secret)
    )
    assert (response.status_code, name_of(response)) == (400, "bad_sdp")
    assert {"line", "why"} <= set(response.json())
    assert not await db(Ingest.objects.exists)


async def test_sdp_of_the_wrong_shape_is_422_naming_the_line(
    http: httpx.AsyncClient, stream: Stream, secret: str
) -> None:
    response = await http.post(
        f"/whip/{stream.pk}",
        content=OFFER.replace("a=sendonly", "a=recvonly"),
        headers=bearing(secret),
    )
    assert (response.status_code, name_of(response)) == (422, "unacceptable")
    assert {"m_line", "why"} <= set(response.json())
    assert not await db(Ingest.objects.exists)


async def test_a_banned_host_and_an_ended_stream_take_no_ingest(
    http: httpx.AsyncClient, live: Stream, host: User, secret: str
) -> None:
    await db(lifecycle.end, live.pk, "host")
    response = await http.post(
        f"/whip/{live.pk}", content=OFFER, headers=bearing(secret)
    )
    assert (response.status_code, name_of(response)) == (409, "stream_state")
    assert response.json()["state"] == "ended"
    assert "Retry-After" not in response.headers
    draft = await db(Stream.objects.create, host=host, title="Cups")
    await db(PublishBan.objects.create, user=host)
    response = await http.post(
        f"/whip/{draft.pk}", content=OFFER, headers=bearing(secret)
    )
    assert (response.status_code, name_of(response)) == (403, "publish_banned")
    assert response.json()["until"] is None


async def test_the_eleventh_post_of_a_key_in_a_minute_is_429(
    http: httpx.AsyncClient, stream: Stream, secret: str
) -> None:
    for _ in range(10):
        response = await http.post(
            f"/whip/{stream.pk}", content=b"", headers=bearing(secret)
        )
        assert response.status_code == 400
    response = await http.post(
        f"/whip/{stream.pk}", content=b"", headers=bearing(secret)
    )
    assert (response.status_code, name_of(response)) == (429, "too_many_requests")
    assert 1 <= int(response.headers["Retry-After"]) <= 6


async def test_guessing_bearers_is_429_after_ten(
    http: httpx.AsyncClient, stream: Stream, secret: str
) -> None:
    statuses = [
        (
            await http.post(
                f"/whip/{stream.pk}", content=OFFER, headers=bearing(f"guess{n}")
            )
        ).status_code
        for n in range(12)
    ]
    assert statuses == [401] * 10 + [429] * 2
    await publish(http, stream, secret)  # whoever knows theirs still gets in


async def test_a_deleted_session_interrupts_the_show_and_a_late_one_nothing(
    http: httpx.AsyncClient, live: Stream, secret: str
) -> None:
    ingest = await db(live.ingests.get)
    for _ in range(2):  # OBS deletes twice
        response = await http.delete(
            f"/whip/session/{ingest.pk}", headers={"If-Match": '"stale"'}
        )
        assert response.status_code == 200
    await db(live.refresh_from_db)
    assert live.state == "interrupted"
    assert await db(live.history.count) == 3
    response = await http.delete("/whip/session/unknown")
    assert (response.status_code, name_of(response)) == (404, "not_found")


async def test_a_session_s_address_needs_no_bearer_but_a_wrong_one_is_401(
    http: httpx.AsyncClient, stream: Stream, secret: str, friend: User
) -> None:
    session = (await publish(http, stream, secret)).headers["Location"]
    foreign = await db(new_key, friend)
    for wrong in ("nobody's", foreign):
        response = await http.delete(
            session, headers={"Authorization": f"Bearer {wrong}"}
        )
        assert response.status_code == 401
    response = await http.delete(session, headers={"Authorization": f"Bearer {secret}"})
    assert response.status_code == 200


async def test_trickle_is_204_with_the_tag_without_or_with_any_and_412_with_a_stale(
    http: httpx.AsyncClient, stream: Stream, secret: str
) -> None:
    created = await publish(http, stream, secret)
    session, etag = created.headers["Location"], created.headers["ETag"]
    trickle = "a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
    for tag in ({}, {"If-Match": etag}, {"If-Match": "*"}):
        response = await http.patch(session, content=trickle, headers=FRAGMENT | tag)
        assert (response.status_code, response.content) == (204, b""), tag
        assert "ETag" not in response.headers
    stale = FRAGMENT | {"If-Match": '"stale"'}
    response = await http.patch(session, content=trickle, headers=stale)
    assert (response.status_code, name_of(response)) == (412, "stale_etag")


async def test_an_ice_restart_needs_the_tag_and_gets_a_new_one(
    http: httpx.AsyncClient, stream: Stream, secret: str
) -> None:
    created = await publish(http, stream, secret)
    session, etag = created.headers["Location"], created.headers["ETag"]
    restart = (
        "a=ice-ufrag:newu\r\na=ice-pwd:aNewPasswordOf24Characters\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
    )
    response = await http.patch(session, content=restart, headers=FRAGMENT)
    assert (response.status_code, name_of(response)) == (428, "etag_required")
    tagged = FRAGMENT | {"If-Match": etag}
    response = await http.patch(session, content=restart, headers=tagged)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == FRAGMENT["Content-Type"]
    assert response.headers["ETag"] not in ("", etag)
    assert "a=ice-ufrag:" in response.text and "a=ice-lite" in response.text
    response = await http.patch(session, content=restart, headers=tagged)
    assert response.status_code in (204, 412)


async def test_a_bad_patch_is_refused_by_its_kind(
    http: httpx.AsyncClient, stream: Stream, secret: str
) -> None:
    session = (await publish(http, stream, secret)).headers["Location"]
    response = await http.patch(session, content="x", headers=SDP)
    assert response.status_code == 415
    response = await http.patch(session, content="x" * 8193, headers=FRAGMENT)
    assert response.status_code == 413
    response = await http.patch(session, content="\0<xml>", headers=FRAGMENT)
    assert (response.status_code, name_of(response)) == (400, "bad_sdp")
    response = await http.patch("/whip/session/x", content="x", headers=FRAGMENT)
    assert response.status_code == 404


async def test_the_seventh_takeover_in_a_minute_is_429(
    http: httpx.AsyncClient, live: Stream, host: User, secret: str
) -> None:
    other = await db(new_key, host, None, "other")
    for n in range(6):
        await publish(http, live, (secret, other)[n % 2])
    response = await http.post(
        f"/whip/{live.pk}", content=OFFER, headers=bearing(secret)
    )
    assert (response.status_code, name_of(response)) == (429, "too_many_requests")


async def test_no_secret_of_an_address_is_logged(
    http: httpx.AsyncClient, server: Server, stream: Stream, secret: str
) -> None:
    before = len(server.log.read_text())
    good = await http.post(f"/whip/{stream.pk}/{secret}", content=OFFER, headers=SDP)
    session = good.headers["Location"]
    await http.post(f"/whip/{stream.pk}/{secret}", content=b"", headers=SDP)
    await http.post(f"/whip/{stream.pk + 1}/{secret}", content=OFFER, headers=SDP)
    await http.patch(session, content="x", headers=SDP)
    logged = server.log.read_text()[before:]
    assert "/whip/" in logged  # refusals are logged
    assert secret not in logged and session not in logged


async def test_a_media_process_that_is_stopped_tells_so_before_it_leaves(
    http: httpx.AsyncClient, stream: Stream, secret: str, media: MediaProcess
) -> None:
    await publish(http, stream, secret)
    assert media.stop() == 0
    ingest = await db(Ingest.objects.get)
    assert (ingest.state, ingest.reason) == ("closed", "stopped")
    refused = await http.post(
        f"/whip/{stream.pk}", content=OFFER, headers=bearing(secret)
    )
    assert (refused.status_code, name_of(refused)) == (503, "media_unavailable")
    assert refused.headers["Retry-After"] == "2"
    await asyncio.to_thread(media.start)
    await publish(http, stream, secret)


async def test_posts_at_once_get_a_generation_each(
    http: httpx.AsyncClient, stream: Stream, secret: str
) -> None:
    await asyncio.gather(*(publish(http, stream, secret) for _ in range(5)))
    given = await db(lambda: list(stream.ingests.values_list("generation", flat=True)))
    assert sorted(given) == [1, 2, 3, 4, 5]
