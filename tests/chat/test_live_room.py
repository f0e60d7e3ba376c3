"""A live room as its viewers meet it: over real sockets."""

import asyncio

import pytest

from accounts.models import User
from chat.comment_log import EVERY_SECONDS
from chat.models import Comment
from realtime import db
from realtime.db import threads
from realtime.testing import LiveClient, Refused
from streams.models import Stream
from tests.chat.shows import a_stream
from tests.chat.world import a_key, a_user
from tests.live import Connect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def host() -> User:
    return a_user("host")


@pytest.fixture
def ann() -> User:
    return a_user("ann")


@pytest.fixture
def show(host: User) -> Stream:
    return a_stream(host)


async def enter(client: LiveClient, show: Stream) -> LiveClient:
    for name in ("deals", "comments", "state"):
        await client.subscribe(f"{name}:{show.pk}")
    return client


async def speak(client: LiveClient, show: Stream, text: str, key: str = "") -> str:
    command = {"key": key or a_key(), "stream": show.pk, "text": text}
    reply = await client.rpc("comment.send", command)
    return str(reply["id"])


async def test_a_comment_is_on_every_screen_and_twice_on_none(
    connect: Connect, ann: User, show: Stream
) -> None:
    viewer, guest = await connect(ann), await connect(codec="msgpack")
    await enter(viewer, show)
    await enter(guest, show)
    said = await speak(viewer, show, "hello", "k")
    assert await speak(viewer, show, "hello", "k") == said
    await speak(viewer, show, "bye")
    for screen in (viewer, guest):
        events = [await screen.push(f"comments:{show.pk}") for _ in range(2)]
        assert [event["text"] for event in events] == ["hello", "bye"]
        assert events[0]["id"] == said
        assert events[0]["name"] == "Ann"
    with pytest.raises(Refused) as caught:
        await speak(viewer, show, "another", "k")
    assert (caught.value.code, caught.value.data) == (470, {"method": "comment.send"})


async def test_who_comes_late_sees_the_last_fifty_and_the_pin(
    connect: Connect, ann: User, host: User, show: Stream
) -> None:
    stage = await enter(await connect(host), show)
    said = [await speak(stage, show, f"{n}") for n in range(52)]
    command = {"key": "pin", "stream": show.pk, "id": said[0], "on": True}
    await stage.rpc("comment.pin", command)
    assert (await stage.push(type="comment.pinned"))["pinned"][0]["text"] == "0"
    late = await connect(ann)
    deals = await late.subscribe(f"deals:{show.pk}")
    assert [one["text"] for one in deals["data"]["pinned"]] == ["0"]
    comments = await late.subscribe(f"comments:{show.pk}")
    recent = comments["data"]["recent"]
    assert [one["id"] for one in recent] == said[2:]
    assert recent[0]["badges"] == ["host"]
    assert comments["data"]["me"] == {"role": "viewer", "may_send": True}


async def test_a_removed_comment_leaves_every_screen_and_the_recent_ones(
    connect: Connect, ann: User, host: User, show: Stream
) -> None:
    stage, viewer = await connect(host), await connect(ann)
    await enter(stage, show)
    await enter(viewer, show)
    bad = await speak(viewer, show, "bad")
    good = await speak(viewer, show, "good")
    with pytest.raises(Refused) as caught:
        await viewer.rpc(
            "comment.remove", {"key": "r", "stream": show.pk, "ids": [bad]}
        )
    assert caught.value.name == "permission_denied"
    reply = await stage.rpc(
        "comment.remove", {"key": "r", "stream": show.pk, "ids": [bad]}
    )
    assert reply == {"removed": [bad]}
    for screen in (stage, viewer):
        event = await screen.push(f"deals:{show.pk}", "comment.removed")
        assert (event["ids"], event["by_role"]) == ([bad], "host")
    late = await connect()
    comments = await late.subscribe(f"comments:{show.pk}")
    assert [one["id"] for one in comments["data"]["recent"]] == [good]


async def test_who_comments_too_fast_is_told_how_long_to_wait(
    connect: Connect, ann: User, show: Stream
) -> None:
    viewer = await connect(ann)
    with pytest.raises(Refused) as caught:
        for n in range(20):  # a slow machine earns a token meanwhile
            await speak(viewer, show, f"{n}")
    assert (caught.value.name, caught.value.temporary) == ("too_many_requests", True)
    assert 0 < caught.value.data["retry_after_ms"] <= 2000


async def test_likes_add_up_to_one_exact_total(
    connect: Connect, ann: User, host: User, show: Stream
) -> None:
    one, two = await connect(ann), await connect(host)
    await enter(two, show)
    for client, totals in ((one, (3, 3, 9)), (two, (4, 2, 7))):
        for total in totals:
            await client.rpc("like.send", {"stream": show.pk, "total": total})
    seen = 0
    while seen < 16:
        state = await two.push(f"state:{show.pk}")
        now = state.get("likes", {}).get("total", seen)
        assert now >= seen
        seen = now
    assert seen == 16
    late = await connect()
    joined = await late.subscribe(f"state:{show.pk}")
    assert joined["publications"][0]["data"]["likes"]["total"] == 16


async def test_comments_are_written_down_within_seconds(
    connect: Connect, ann: User, show: Stream
) -> None:
    said = await speak(await connect(ann), show, "for the replay")
    async with asyncio.timeout(10 * EVERY_SECONDS):
        while not await db(Comment.objects.filter(pk=said).exists):
            pass
    page = await (await connect()).rpc("comment.list", {"stream": show.pk})
    assert [one["id"] for one in page["items"]] == [said]
    threads().close()
