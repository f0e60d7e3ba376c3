"""A process dies between the commit of a letter and its push, or just after it."""

import asyncio

import pytest

from realtime import db
from realtime.db import threads
from realtime.models import OutboxEvent
from tests.faults import ROOMS
from tests.faults.crowd import Refused, Visit, told
from tests.live import Server, Spawn

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True),
    pytest.mark.fault,
]


def unsent() -> int:
    return OutboxEvent.objects.filter(sent_at=None).count()


@pytest.mark.parametrize("point", ["before_publish", "after_publish"])
async def test_outbox_crash_pushes_a_letter_once(
    rooms: Server, spawn_server: Spawn, visit: Visit, point: str
) -> None:
    room = f"deals:{point}"
    reader = visit(rooms.url, 1, room)
    await reader.come()
    doomed = spawn_server(**ROOMS, SOUK_FAILPOINTS=f"outbox.{point}=kill@1")
    writer = visit(doomed.url, 2)
    await writer.come()
    sent = writer.rpc("post.letter", key="k", channel=room, n=0)
    assert await writer.over() == 1006
    doomed.kill()  # it is dead: only to clear it away
    await told([reader], room, 1)  # by the other's sweep
    writer.url = rooms.url
    await writer.come()
    again = await writer.reply("post.letter", key="k", channel=room, n=0)
    # The first answer, if it came before the end.
    assert isinstance(sent.exception(), Refused) or sent.result()["data"] == again
    await writer.reply("post.letter", key="k2", channel=room, n=1)
    async with asyncio.timeout(30):
        while await db(unsent):
            await asyncio.sleep(0.05)
    await told([reader], room, 2)
    late = visit(rooms.url, 3, room)
    await late.come()
    held = await late.ask("history", {"channel": room, "limit": 10})
    assert [one["data"]["n"] for one in held["publications"]] == [0, 1]
    assert reader.told[room] == [0, 1] and reader.gaps == []
    if (pool := threads.drop()) is not None:
        pool.close()
