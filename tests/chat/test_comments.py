"""Comments: shown at once, once; written down behind it."""

import time
from typing import Any

import pytest
from redis import Redis

from accounts.models import User
from chat.actions.comments import join_comments, list_comments
from chat.actions.recent import recent
from chat.commands.comments import ListComments
from chat.models import Comment
from chat.room import STAFF
from realtime import CommandError, db, history
from realtime.recovery import EXEMPT
from streams.models import Role, Stream
from tests.chat.shows import (
    a_fresh_key,
    a_stream,
    comment,
    published,
    written_down,
)
from tests.chat.world import a_user

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("loop_store"),
]


@pytest.fixture
def ann() -> User:
    return a_user("ann")


@pytest.fixture
def show() -> Stream:
    return a_stream()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def refused(awaitable: Any) -> tuple[str, dict[str, Any]]:
    with pytest.raises(CommandError) as caught:
        await awaitable
    return caught.value.name, caught.value.data


async def stored() -> list[Comment]:
    await written_down()
    return await db(lambda: list(Comment.objects.order_by("at", "id")))


@pytest.mark.both_databases
async def test_a_comment_is_shown_and_written_down(ann: User, show: Stream) -> None:
    admitted = await comment(ann, show, "how wide is it?")
    (event,) = await published(f"comments:{show.pk}")
    assert event == {
        "type": "comment.sent",
        "id": admitted.id,
        "author": ann.pk,
        "name": "Ann",
        "badges": [],
        "kind": "text",
        "text": "how wide is it?",
        "at": admitted.at,
        "offset_ms": admitted.offset_ms,
    }
    assert not await db(Comment.objects.exists)
    (row,) = await stored()
    assert (row.id, row.text, row.state) == (admitted.id, "how wide is it?", "shown")
    assert admitted.offset_ms > 0


@pytest.mark.both_databases
@pytest.mark.parametrize("age", ["fresh", "old"])
@pytest.mark.parametrize("flushed", [False, True])
async def test_the_same_key_twice_is_one_line(
    ann: User, show: Stream, loop_store: Redis, age: str, flushed: bool
) -> None:
    key = a_fresh_key(now_ms()) if age == "fresh" else "an-old-key"
    first = await comment(ann, show, "hi", key)
    await written_down()
    if flushed:
        loop_store.flushall()
    again = await comment(ann, show, "hi", key)
    assert again.id == first.id
    if age == "old" or not flushed:
        assert again == first
    shown = [event["id"] for event in await published(f"comments:{show.pk}")]
    assert set(shown) <= {first.id}
    assert len(await stored()) == 1
    assert len(await recent(show.pk)) == 1


@pytest.mark.parametrize("flushed", [False, True])
async def test_a_key_with_another_text_is_refused(
    ann: User, show: Stream, loop_store: Redis, flushed: bool
) -> None:
    await comment(ann, show, "hi", "k")
    await written_down()
    if flushed:
        loop_store.flushall()
    refusal = await refused(comment(ann, show, "bye", "k"))
    assert refusal == ("key_reused", {"method": "comment.send"})
    assert [row.text for row in await stored()] == ["hi"]


async def test_keys_of_two_people_do_not_meet(ann: User, show: Stream) -> None:
    ben = await db(a_user, "ben")
    assert (await comment(ann, show, "hi", "k")).id != (
        await comment(ben, show, "hi", "k")
    ).id
    assert len(await stored()) == 2


async def test_five_at_once_then_one_in_two_seconds(ann: User, show: Stream) -> None:
    for _ in range(5):
        await comment(ann, show)
    name, data = await refused(comment(ann, show, "sixth", "sixth"))
    assert name == "too_many_requests"
    assert 0 < data["retry_after_ms"] <= 2000
    assert len(await published(f"comments:{show.pk}")) == 5


async def test_a_refused_key_may_be_sent_again(
    ann: User, show: Stream, loop_store: Redis
) -> None:
    for _ in range(5):
        await comment(ann, show)
    await refused(comment(ann, show, "sixth", "sixth"))
    loop_store.delete(f"souk:s:{{u{ann.pk}}}:b:comment")  # as if time had passed
    assert (await comment(ann, show, "sixth", "sixth")).state == "shown"


@pytest.mark.parametrize("role", ["host", "assistant", "moderator"])
async def test_who_moderates_need_not_wait_and_is_named(
    role: str, ann: User, show: Stream
) -> None:
    assert role in STAFF
    if role == "host":
        speaker = await db(lambda: show.host)
    else:
        speaker = await db(a_user, "helper")
        await db(
            lambda: Role.objects.create(
                host=show.host, stream=show, user=speaker, role=role
            )
        )
    for _ in range(8):
        await comment(speaker, show)
    await comment(ann, show)
    held = (await history(f"comments:{show.pk}", 100)).publications
    assert [one.flags & EXEMPT for one in held] == [EXEMPT] * 8 + [0]
    events = await published(f"comments:{show.pk}")
    assert [event["badges"] for event in events] == [[role]] * 8 + [[]]


@pytest.mark.parametrize("state", ["draft", "ended"])
async def test_a_room_that_is_not_open_is_closed(ann: User, state: str) -> None:
    show = await db(lambda: a_stream(state=state))
    assert await refused(comment(ann, show)) == ("closed", {})
    assert await stored() == []


async def test_the_first_answer_outlives_the_show(ann: User, show: Stream) -> None:
    key = a_fresh_key(now_ms())
    first = await comment(ann, show, "last words", key)
    await written_down()

    def end() -> None:
        Stream.objects.update(state="ended", ended_at="2026-01-01T01:00Z")

    await db(end)
    from chat.room import rooms

    await rooms()[show.pk].fresh()
    assert await comment(ann, show, "last words", key) == first
    assert await refused(comment(ann, show, "one more")) == ("closed", {})


async def test_a_private_show_is_not_there_for_strangers(ann: User) -> None:
    guest = await db(a_user, "guest")
    show = await db(lambda: a_stream(visibility="private"))
    await db(
        lambda: Role.objects.create(
            host=show.host, stream=show, user=guest, role="guest"
        )
    )
    assert (await comment(guest, show)).state == "shown"
    unknown = Stream(pk=show.pk + 1000)
    for stream in (show, unknown):
        assert await refused(comment(ann, stream)) == ("not_found", {})
        assert await refused(join_comments(None, stream.pk)) == ("not_found", {})
        command = ListComments(stream=stream.pk)
        assert await refused(db(list_comments, ann.pk, command)) == ("not_found", {})


async def test_who_comes_late_sees_the_last_fifty(show: Stream) -> None:
    host = await db(lambda: show.host)
    sent = [await comment(host, show, f"{n}") for n in range(60)]
    joined = await join_comments(None, show.pk)
    assert [one.id for one in joined.recent] == [one.id for one in sent[10:]]
    assert (joined.me.role, joined.me.may_send) == ("viewer", False)
    assert joined.me.why == "unauthorized"
    assert (await join_comments(host.pk, show.pk)).me.may_send


async def test_the_last_fifty_come_from_sql_when_the_store_was_emptied(
    show: Stream, loop_store: Redis
) -> None:
    host = await db(lambda: show.host)
    sent = [await comment(host, show, f"{n}") for n in range(60)]
    await written_down()
    loop_store.flushall()
    sent.append(await comment(host, show, "after"))
    shown = await recent(show.pk)
    assert len(shown) == 50
    assert shown[-1].text == "after"
    assert {one.id for one in shown} == {one.id for one in sent[11:]}


async def test_lists_go_back_page_by_page(ann: User, show: Stream) -> None:
    host = await db(lambda: show.host)
    sent = [await comment(host, show, f"{n}") for n in range(7)]
    await written_down()
    seen, cursor = [], ""
    while True:
        page = await db(
            list_comments, None, ListComments(stream=show.pk, cursor=cursor, limit=3)
        )
        seen += [item.id for item in page.items]
        if not (cursor := page.cursor):
            break
    assert sorted(seen) == sorted(one.id for one in sent)
    assert len(seen) == 7


@pytest.mark.parametrize("cursor", ["x", "1.short", "-5.AAAAAAAAAAAAAAAA", "1"])
async def test_a_cursor_that_is_not_ours_is_a_bad_request(
    show: Stream, cursor: str
) -> None:
    command = ListComments(stream=show.pk, cursor=cursor)
    name, _ = await refused(db(list_comments, None, command))
    assert name == "bad_request"


@pytest.mark.both_databases
async def test_a_row_that_cannot_be_stored_holds_up_no_other(
    ann: User, show: Stream
) -> None:
    lost = await db(lambda: a_stream(ann))
    await comment(ann, lost, "lost")
    await comment(ann, show, "kept")
    await db(lost.delete)
    assert [row.text for row in await stored()] == ["kept"]
