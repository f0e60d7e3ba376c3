"""All viewers are cut at once, and all come back at once."""

import asyncio
import time

import pytest

from accounts.models import User
from realtime import db
from realtime.db import threads
from tests.faults import ROOMS
from tests.faults.crowd import Visit, told
from tests.faults.serving import cpu_seconds
from tests.live import Spawn

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.fault,
    pytest.mark.timeout(300),
]

ROOM = "deals:storm"


async def test_reconnect_storm_asks_the_database_for_many_at_once(
    spawn_server: Spawn, visit: Visit, full: bool
) -> None:
    count = 5000 if full else 200
    people = await db(make_people, count)
    if (pool := threads.drop()) is not None:
        pool.close()
    real = {**ROOMS, "SOUK_SIGN_OUTS": "accounts.actions.sign_outs"}
    server = spawn_server(**real)
    viewers = [visit(server.url, user, ROOM) for user in people]
    for start in range(0, count, 200):
        await asyncio.gather(*(v.come() for v in viewers[start : start + 200]))
    talker = visit(server.url, 0)
    await talker.come()
    await talker.reply("tell.all", channel=ROOM, first=0, count=5)
    await told(viewers, ROOM, 5)
    await talker.reply("asked.of")
    worked, began = cpu_seconds(server.process.pid), time.monotonic()
    for viewer in viewers:
        viewer.leave()
    await talker.reply("tell.all", channel=ROOM, first=5, count=10)
    await asyncio.gather(*(viewer.come_again() for viewer in viewers))
    took = time.monotonic() - began
    worked = cpu_seconds(server.process.pid) - worked
    asked = (await talker.reply("asked.of"))["counts"]
    await talker.reply("tell.all", channel=ROOM, first=15)
    await told(viewers, ROOM, 16)
    for viewer in viewers:
        assert viewer.told[ROOM] == list(range(16)) and viewer.gaps == []
    # The outbox is swept each second, whoever comes.
    mine = {sql: n for sql, n in asked.items() if "outbox" not in sql}
    assert len(mine) == 1 and "sign_outs" in (sql := next(iter(mine)))
    print(
        f"{count} live again in {took:.2f} s, {mine[sql]} queries, CPU {worked:.2f} s"
    )
    assert mine[sql] <= count / 2


def make_people(count: int) -> list[int]:
    made = User.objects.bulk_create(User(username=f"u{n}") for n in range(count))
    return [user.pk for user in made]
