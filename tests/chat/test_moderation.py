"""Pins and removals: who may, what is told, what is kept."""

import pytest
from redis import Redis

from accounts.models import User
from chat.actions.moderation import (
    pin_comment,
    pinned_of,
    remove_comments,
)
from chat.actions.recent import recent
from chat.commands.comments import PinComment, Pinned, RemoveComments, Removed
from chat.comment_log import comment_log
from chat.models import Comment, LiveRoom, ModerationAction
from chat.models.moderation import AppendOnly
from realtime import CommandError, db
from streams.models import Role, Stream
from tests.chat.shows import a_stream, comment, decided, written_down
from tests.chat.world import a_key, a_user

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("loop_store"),
]


@pytest.fixture
def show() -> Stream:
    return a_stream()


@pytest.fixture
def host(show: Stream) -> User:
    return show.host


@pytest.fixture
def ann() -> User:
    return a_user("ann")


async def pin(
    actor: User, show: Stream, id: str, on: bool = True, key: str = ""
) -> Pinned:
    command = PinComment(key=key or a_key(), stream=show.pk, id=id, on=on)
    return await pin_comment(actor.pk, command)


async def remove(actor: User, show: Stream, *ids: str, key: str = "") -> Removed:
    command = RemoveComments(key=key or a_key(), stream=show.pk, ids=list(ids))
    return await remove_comments(actor.pk, command)


async def log() -> list[tuple[int | None, str, int | None, str]]:
    rows = ModerationAction.objects.order_by("id")
    fields = ("actor", "verb", "target_user", "target_id")
    return await db(lambda: list(rows.values_list(*fields)))


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "where", ["stored", "in this process", "in this process alone", "in another"]
)
async def test_a_pinned_comment_is_told_and_kept(
    ann: User, host: User, show: Stream, where: str, loop_store: Redis
) -> None:
    said = await comment(ann, show, "is it silk?")
    if where == "in this process alone":
        loop_store.flushall()
    if where == "stored":
        await written_down()
    if where == "in another":
        elsewhere = comment_log.drop()
    pinned = (await pin(host, show, said.id)).pinned
    assert [(one.id, one.text, one.author) for one in pinned] == [
        (said.id, "is it silk?", ann.pk)
    ]
    (event,) = await db(decided, f"deals:{show.pk}")
    assert event["type"] == "comment.pinned"
    assert [one["id"] for one in event["pinned"]] == [said.id]
    assert await db(pinned_of, show.pk) == pinned
    assert await log() == [(host.pk, "pin", ann.pk, said.id)]
    if where == "in another":
        assert elsewhere is not None
        await elsewhere.flush()
        assert await db(Comment.objects.count) == 1


async def test_a_pin_sent_again_is_one_act(ann: User, host: User, show: Stream) -> None:
    said = await comment(ann, show)
    first = await pin(host, show, said.id, key="k")
    assert await pin(host, show, said.id, key="k") == first
    assert await pin(host, show, said.id) == first
    assert len(await log()) == len(await db(decided, f"deals:{show.pk}")) == 1
    with pytest.raises(CommandError) as caught:
        await pin(host, show, said.id, on=False, key="k")
    assert caught.value.name == "key_reused"


async def test_three_are_pinned_and_the_fourth_is_refused(
    ann: User, host: User, show: Stream
) -> None:
    said = [await comment(ann, show) for _ in range(4)]
    for one in said[:3]:
        await pin(host, show, one.id)
    with pytest.raises(CommandError) as caught:
        await pin(host, show, said[3].id)
    assert (caught.value.name, caught.value.data) == ("too_large", {"max": 3})
    assert len((await pin(host, show, said[0].id, on=False)).pinned) == 2
    left = (await pin(host, show, said[3].id)).pinned
    assert [one.id for one in left] == [said[1].id, said[2].id, said[3].id]
    assert [verb for _, verb, _, _ in await log()] == ["pin"] * 3 + ["unpin", "pin"]


async def test_what_was_never_said_here_cannot_be_pinned(
    ann: User, host: User, show: Stream
) -> None:
    other = await db(lambda: a_stream(ann))
    elsewhere = await comment(ann, other)
    for id in (elsewhere.id, "AAAAAAAAAAAAAAAA"):
        with pytest.raises(CommandError) as caught:
            await pin(host, show, id)
        assert caught.value.name == "not_found"


@pytest.mark.both_databases
@pytest.mark.parametrize("where", ["stored", "in this process", "in another"])
async def test_a_removed_comment_is_gone_for_good(
    ann: User, host: User, show: Stream, where: str, loop_store: Redis
) -> None:
    good, bad = await comment(ann, show, "good"), await comment(ann, show, "bad", "k")
    elsewhere = comment_log()
    if where == "stored":
        await written_down()
    if where == "in another":
        comment_log.drop()
    assert (await remove(host, show, bad.id)).removed == [bad.id]
    (event,) = await db(decided, f"deals:{show.pk}")
    assert event == {"type": "comment.removed", "ids": [bad.id], "by_role": "host"}
    assert [one.id for one in await recent(show.pk)] == [good.id]
    await elsewhere.flush()
    shown = await db(lambda: list(Comment.objects.shown()))
    assert [row.id for row in shown] == [good.id]
    loop_store.flushall()
    assert [one.id for one in await recent(show.pk)] == [good.id]
    await comment(ann, show, "bad", "k")
    assert [one.id for one in await recent(show.pk)] == [good.id]
    assert await log() == [(host.pk, "remove", ann.pk, bad.id)]


async def test_removing_twice_is_one_act(ann: User, host: User, show: Stream) -> None:
    said = await comment(ann, show)
    first = await remove(host, show, said.id, key="k")
    assert await remove(host, show, said.id, key="k") == first
    assert await remove(host, show, said.id, said.id) == first
    assert len(await log()) == len(await db(decided, f"deals:{show.pk}")) == 1


async def test_a_removed_comment_is_no_longer_pinned(
    ann: User, host: User, show: Stream
) -> None:
    said = await comment(ann, show)
    await pin(host, show, said.id)
    await remove(host, show, said.id)
    last = (await db(decided, f"deals:{show.pk}"))[-1]
    assert last == {"type": "comment.pinned", "pinned": []}
    assert (await db(LiveRoom.objects.get)).pinned == []


@pytest.mark.parametrize("stored", [True, False])
async def test_a_comment_of_another_stream_is_left_alone(
    ann: User, host: User, show: Stream, stored: bool
) -> None:
    other = await db(lambda: a_stream(ann))
    said = await comment(ann, other)
    if stored:
        await written_down()
    assert (await remove(host, show, said.id)).removed == []
    await written_down()
    assert await db(Comment.objects.shown().filter(pk=said.id).exists)
    assert len(await recent(other.pk)) == 1
    assert await log() == []


@pytest.mark.parametrize("role", ["", "service", "guest"])
async def test_who_does_not_moderate_may_neither_pin_nor_remove(
    ann: User, host: User, show: Stream, role: str
) -> None:
    if role:
        await db(
            lambda: Role.objects.create(host=host, stream=show, user=ann, role=role)
        )
    said = await comment(ann, show)
    for act in (lambda: pin(ann, show, said.id), lambda: remove(ann, show, said.id)):
        with pytest.raises(CommandError) as caught:
            await act()
        assert caught.value.name == "permission_denied"
    assert len(await recent(show.pk)) == 1
    assert await log() == []


def test_the_log_of_moderation_cannot_be_changed(ann: User, show: Stream) -> None:
    row = ModerationAction.objects.create(actor=ann, verb="pin", stream=show)
    row.reason = "other"
    for change in (
        row.save,
        row.delete,
        ModerationAction.objects.all().delete,
        lambda: ModerationAction.objects.update(reason="other"),
    ):
        with pytest.raises(AppendOnly):
            change()
