"""`stream.*` over real sockets: who may, what is answered, what is told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from accounts.models import Follow, User
from realtime import db
from realtime.testing import LiveClient, Refused
from streams.actions import lifecycle
from streams.models import PublishBan, Role, Stream
from tests.live import Connect
from tests.streams.conftest import Until
from tests.streams.live import MediaProcess

pytestmark = pytest.mark.django_db(transaction=True)


async def refused(client: LiveClient, method: str, **data: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await client.rpc(method, data)
    return caught.value


async def test_a_host_makes_a_draft_and_a_resend_makes_no_second(
    connect: Connect, host: User
) -> None:
    studio = await connect(host)
    wish = {"title": "  Tea  ", "tags": ["oolong"], "grace_s": 30, "key": "k1"}
    made = await studio.rpc("stream.create", wish)
    assert made == await studio.rpc("stream.create", wish)
    stream = await db(Stream.objects.get)
    assert (stream.pk, stream.title, stream.tags) == (made["stream"], "Tea", ["oolong"])
    view = await studio.rpc("stream.get", {"stream": stream.pk})
    assert view == {
        "stream": stream.pk,
        "host": {"user": host.pk, "name": "Host"},
        "title": "Tea",
        "text": "",
        "category": "",
        "tags": ["oolong"],
        "language": "",
        "visibility": "public",
        "state": "draft",
        "version": 0,
        "started_at": None,
        "ended_at": None,
        "end_reason": None,
        "viewers": 0,
        "peak": 0,
        "role": "host",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "   "),
        ("title", "x" * 101),
        ("title", 7),
        ("grace_s", 9999),
        ("grace_s", -1),
        ("tags", ["x"] * 11),
        ("visibility", "secret"),
        ("key", "no spaces"),
        ("colour", "red"),
    ],
)
async def test_a_bad_wish_is_refused_naming_its_field(
    connect: Connect, host: User, field: str, value: object
) -> None:
    wish = {"title": "Tea", "key": "k1", field: value}
    error = await refused(await connect(host), "stream.create", **wish)
    assert (error.code, error.name) == (107, "bad_request")
    assert not await db(Stream.objects.exists)


async def test_the_banned_make_no_streams_and_nobody_without_a_name_does(
    connect: Connect, host: User
) -> None:
    await db(PublishBan.objects.create, user=host)
    error = await refused(await connect(host), "stream.create", title="Tea", key="k")
    assert (error.code, error.data) == (445, {"until": None})
    error = await refused(await connect(), "stream.create", title="Tea", key="k")
    assert error.code == 101


async def test_foreign_and_unknown_streams_are_refused_alike(
    connect: Connect, friend: User, live: Stream
) -> None:
    stranger = await connect(friend)
    for method, more in (
        ("stream.go_live", {"key": "a"}),
        ("stream.end", {"key": "b"}),
        ("stream.update", {"key": "c", "version": 2, "title": "Mine"}),
        ("stream.ticket", {}),
        ("stream.health", {}),
    ):
        errors = [
            await refused(stranger, method, stream=number, **more)
            for number in (live.pk, live.pk + 1000)
        ]
        assert {(error.code, error.name) for error in errors} == {(404, "not_found")}
        assert errors[0].data == errors[1].data
    await db(live.refresh_from_db)
    assert (live.state, live.title, live.version) == ("live", "Tea", 2)


async def test_an_assistant_directs_as_the_host_does(
    connect: Connect, host: User, friend: User, live: Stream
) -> None:
    await db(Role.objects.create, host=host, user=friend, role="assistant")
    helper = await connect(friend)
    assert await helper.rpc("stream.end", {"stream": live.pk, "key": "e"}) == {
        "state": "ended",
        "version": 3,
    }


async def test_a_change_is_told_to_the_room_and_a_stale_version_is_a_conflict(
    connect: Connect, host: User, live: Stream
) -> None:
    studio, page = await connect(host), await connect()
    await page.subscribe(f"deals:{live.pk}")
    change = {"stream": live.pk, "version": 2, "title": "Green tea", "key": "u"}
    assert await studio.rpc("stream.update", change) == {"version": 3}
    told = await page.push(f"deals:{live.pk}", "stream.updated")
    assert (told["changed"], told["version"]) == ({"title": "Green tea"}, 3)
    error = await refused(studio, "stream.update", **change | {"key": "v"})
    assert (error.name, error.data) == ("conflict", {"version": 3})


async def test_going_live_without_a_picture_is_no_media(
    connect: Connect, host: User, stream: Stream
) -> None:
    studio = await connect(host)
    error = await refused(studio, "stream.go_live", stream=stream.pk, key="g")
    assert (error.code, error.data) == (442, {"why": "none"})


async def test_a_joiner_is_told_the_room_as_it_is(
    connect: Connect, live: Stream
) -> None:
    await db(lifecycle.ingest_silent, (await db(live.ingests.get)).pk)
    page = await connect()
    joined = (await page.subscribe(f"deals:{live.pk}"))["data"]["stream"]
    assert (joined["state"], joined["role"]) == ("interrupted", "viewer")
    assert joined["grace_until"] > joined["started_at"]
    assert joined["media"] == {"video": "H264", "audio": "opus"}


async def test_channels_of_private_unknown_and_misspelt_streams_are_refused_alike(
    connect: Connect, friend: User, live: Stream
) -> None:
    await db(Stream.objects.filter(pk=live.pk).update, visibility="private")
    stranger = await connect(friend)
    for address in (live.pk, live.pk + 1000, f"0{live.pk}", "tea"):
        for namespace in ("deals", "state", "staff"):
            with pytest.raises(Refused) as caught:
                await stranger.subscribe(f"{namespace}:{address}")
            assert caught.value.name == "not_found"


async def test_staff_hear_of_ingests_and_viewers_may_not_listen(
    connect: Connect, host: User, friend: User, live: Stream, connect_ingest: Any
) -> None:
    studio = await connect(host)
    await studio.subscribe(f"staff:{live.pk}")
    ingest = await db(connect_ingest, live)
    opened = await studio.push(f"staff:{live.pk}", "ingest.opened")
    while opened["generation"] < 2:  # the first one's may come late
        opened = await studio.push(f"staff:{live.pk}", "ingest.opened")
    assert (opened["ingest"], opened["by"]) == (ingest.name, host.pk)
    await db(lifecycle.ingest_closed, ingest.pk, "connecting")
    closed = await studio.push(f"staff:{live.pk}", "ingest.closed")
    assert closed["reason"] == "connecting"
    with pytest.raises(Refused):
        await (await connect(friend)).subscribe(f"staff:{live.pk}")


async def test_lists_show_public_live_shows_the_most_watched_first(
    connect: Connect, host: User, friend: User, live: Stream
) -> None:
    def more() -> list[int]:
        made = [
            Stream.objects.create(host=friend, title=f"{n}", state="live", viewers=n)
            for n in (3, 9, 3)
        ]
        Stream.objects.create(
            host=friend, title="hidden", state="live", visibility="unlisted"
        )
        Stream.objects.create(host=friend, title="draft")
        return [made[1].pk, made[2].pk, made[0].pk, live.pk]

    expected = await db(more)
    page = await connect()
    found, cursor = [], ""
    while True:
        wish = {"kind": "live", "limit": 3, "cursor": cursor}
        part = await page.rpc("stream.list", wish)
        found += [view["stream"] for view in part["items"]]
        if not (cursor := part["cursor"]):
            break
    assert found == expected
    error = await refused(page, "stream.list", kind="live", cursor="x.1")
    assert error.name == "bad_request"


async def test_mine_are_all_of_mine_and_following_are_live_ones_of_the_followed(
    connect: Connect, host: User, friend: User, live: Stream
) -> None:
    draft = await db(Stream.objects.create, host=host, title="Next")
    studio, fan = await connect(host), await connect(friend)
    mine = await studio.rpc("stream.list", {"kind": "mine"})
    assert [view["stream"] for view in mine["items"]] == [draft.pk, live.pk]
    assert {view["role"] for view in mine["items"]} == {"host"}
    assert (await fan.rpc("stream.list", {"kind": "following"}))["items"] == []
    await db(Follow.objects.create, follower=friend, target=host)
    followed = await fan.rpc("stream.list", {"kind": "following"})
    assert [view["stream"] for view in followed["items"]] == [live.pk]
    error = await refused(await connect(), "stream.list", kind="mine")
    assert error.code == 101


async def test_there_is_nothing_to_watch_before_and_after_the_show(
    connect: Connect, host: User, stream: Stream, media: MediaProcess
) -> None:
    page, studio = await connect(), await connect(host)
    error = await refused(page, "stream.watch", stream=stream.pk)
    assert (error.code, error.data, error.temporary) == (443, {"state": "draft"}, True)
    ticket = await studio.rpc("stream.ticket", {"stream": stream.pk})
    assert ticket["whip"] == f"/whip/{stream.pk}" and ticket["ice_servers"] == []


async def test_a_host_who_does_not_come_back_in_time_ends_the_show_by_the_sweeper(
    connect: Connect, until: Until, live: Stream
) -> None:
    page = await connect()
    await page.subscribe(f"deals:{live.pk}")
    await db(lifecycle.ingest_closed, (await db(live.ingests.get)).pk, "dtls")
    late = F("due_at") - timedelta(minutes=2)
    await db(live.timers.filter(kind="grace").update, due_at=late)
    ended = await page.push(f"deals:{live.pk}", "stream.ended")
    assert ended["reason"] == "lost"
    error = await refused(page, "stream.watch", stream=live.pk)
    assert error.data == {"state": "ended"}


async def test_a_dead_node_s_ingests_are_lost_by_the_sweeper(
    until: Until, server: object, live: Stream, lost_node: Callable[[], None]
) -> None:
    await db(lost_node)

    def is_lost() -> bool:
        return live.ingests.get().reason == "node_lost"

    await until(is_lost)
    await db(live.refresh_from_db)
    assert live.state == "interrupted"
