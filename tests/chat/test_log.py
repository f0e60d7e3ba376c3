"""The log behind the comments: bounded, patient, written at the end."""

import asyncio

import pytest

from accounts.models import User
from chat import comment_log as log
from chat.comment_log import CommentLog
from chat.handlers import router
from chat.models import Comment
from realtime import Unavailable, db
from streams.models import Stream
from tests.chat.shows import a_stream, comment
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


def a_row(ann: User, show: Stream, n: int) -> Comment:
    return Comment(
        id=f"{n:016}", stream=show, author=ann, text="hi", at="2026-01-01T00:00Z"
    )


async def test_more_than_twenty_thousand_do_not_wait(ann: User, show: Stream) -> None:
    held = CommentLog()
    row = a_row(ann, show, 1)
    for _ in range(log.WAITING):
        held.check_room()
        held.add(row)
    with pytest.raises(Unavailable):
        held.check_room()


async def test_five_hundred_are_written_without_waiting_for_the_second(
    ann: User, show: Stream
) -> None:
    held = CommentLog()
    writer = asyncio.create_task(held.run())
    begun = asyncio.get_running_loop().time()
    for n in range(log.BATCH + 1):
        held.add(a_row(ann, show, n))
    async with asyncio.timeout(5):
        while await db(Comment.objects.count) <= log.BATCH:
            pass
    assert asyncio.get_running_loop().time() - begun < 5
    writer.cancel()


@pytest.mark.both_databases
async def test_a_row_the_database_refuses_holds_up_no_other(
    ann: User, show: Stream
) -> None:
    held = CommentLog()
    for n in range(3):
        held.add(a_row(ann, show, n))
    held._rows[1].name = "x" * 60  # SQLite takes it, PostgreSQL does not
    await held.flush()
    assert {f"{n:016}" for n in (0, 2)} <= set(
        await db(lambda: list(Comment.objects.values_list("pk", flat=True)))
    )


async def test_what_waits_is_written_when_the_process_ends(
    ann: User, show: Stream
) -> None:
    await comment(ann, show, "last")
    for hook in router.drain_hooks:
        await hook()
    assert await db(Comment.objects.filter(text="last").exists)
