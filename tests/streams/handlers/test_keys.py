"""`stream_key.*` over real sockets."""

import httpx
import pytest

from accounts.models import User
from realtime import db
from realtime.models import Answered
from realtime.testing import Refused
from streams.models import Ingest, Stream, StreamKey
from tests.live import Connect
from tests.streams.test_whip import OFFER, bearing

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_key_is_told_once_a_resend_tells_it_again_and_no_row_holds_it(
    connect: Connect, host: User, stream: Stream
) -> None:
    studio = await connect(host)
    wish = {"name": "OBS", "stream": stream.pk, "key": "k1"}
    made = await studio.rpc("stream_key.create", wish)
    assert made == await studio.rpc("stream_key.create", wish)
    assert len(made["secret"]) == 22 and made["secret"].endswith(made["hint"])
    assert made["whip"].endswith(f"/whip/{stream.pk}")
    another = await studio.rpc("stream_key.create", {"name": "B", "key": "k2"})
    assert another["secret"] != made["secret"]
    (_, listed) = (await studio.rpc("stream_key.list"))["items"]
    assert "secret" not in listed
    assert (listed["id"], listed["name"], listed["hint"]) == (
        made["id"],
        "OBS",
        made["hint"],
    )
    answers = await db(lambda: [bytes(a.reply) for a in Answered.objects.all()])
    assert not any(made["secret"].encode() in answer for answer in answers)


async def test_a_revoked_key_opens_nothing_and_its_ingest_is_closed(
    connect: Connect, http: httpx.AsyncClient, host: User, stream: Stream
) -> None:
    studio = await connect(host)
    made = await studio.rpc("stream_key.create", {"name": "OBS", "key": "k1"})
    good = bearing(made["secret"])
    assert (await http.post("/whip", content=OFFER, headers=good)).status_code == 201
    await studio.rpc("stream_key.revoke", {"id": made["id"], "key": "k2"})
    assert (await http.post("/whip", content=OFFER, headers=good)).status_code == 401
    ingest = await db(Ingest.objects.get)
    assert (ingest.state, ingest.reason) == ("closed", "key_revoked")
    assert (await studio.rpc("stream_key.list"))["items"] == []


async def test_keys_of_others_are_neither_seen_nor_revoked(
    connect: Connect, host: User, friend: User, stream: Stream
) -> None:
    studio, other = await connect(host), await connect(friend)
    made = await studio.rpc("stream_key.create", {"name": "OBS", "key": "k1"})
    assert (await other.rpc("stream_key.list"))["items"] == []
    for number in (made["id"], made["id"] + 1000):
        with pytest.raises(Refused) as caught:
            await other.rpc("stream_key.revoke", {"id": number, "key": "k"})
        assert caught.value.name == "not_found"
    with pytest.raises(Refused) as caught:
        await other.rpc(
            "stream_key.create", {"name": "x", "stream": stream.pk, "key": "k3"}
        )
    assert caught.value.name == "not_found"
    assert await db(StreamKey.objects.usable().count) == 1


async def test_the_eleventh_key_is_too_many(connect: Connect, host: User) -> None:
    studio = await connect(host)
    for n in range(10):
        await studio.rpc("stream_key.create", {"name": "OBS", "key": f"k{n}"})
    with pytest.raises(Refused) as caught:
        await studio.rpc("stream_key.create", {"name": "OBS", "key": "k10"})
    assert caught.value.name in ("too_many", "too_many_requests")
