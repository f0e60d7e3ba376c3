"""Readers that stand still, and one that reads slowly, among many who read."""

import asyncio

import pytest

from tests.faults import ROOMS
from tests.faults.crowd import Viewer, Visit, told
from tests.faults.serving import resident_kib
from tests.live import Spawn

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.fault,
    pytest.mark.timeout(300),
]

ROOM, CHATTER, STATE = "deals:slow", "comments:slow", "state:slow"
HELD_KIB = 64 + 64 + 256 + 16
"""What may be held for a viewer, and what it is held in."""


async def test_slow_viewer_frozen_is_bounded_and_recovers(
    spawn_server: Spawn, visit: Visit, full: bool
) -> None:
    many = 1000 if full else 60
    server = spawn_server(**ROOMS, SOUK_STALL_SECONDS="60")
    pid = server.process.pid
    readers = [visit(server.url, n, ROOM) for n in range(1, many + 1)]
    frozen = [visit(server.url, many + n, ROOM, buffer=4096) for n in range(many)]
    for start in range(0, many, 100):
        both = readers[start : start + 100] + frozen[start : start + 100]
        await asyncio.gather(*(viewer.come() for viewer in both))
    before = resident_kib(pid)
    for viewer in frozen:
        viewer.awake.clear()
    # More than the kernels take for one of them, and then all that is held here.
    count = await flood(readers, 200)
    grown = resident_kib(pid) - before
    print(f"{many} frozen: {grown / many:.0f} KiB each of {count * 4} sent")
    assert grown < HELD_KIB * many
    for viewer in readers:
        assert viewer.told[ROOM] == list(range(count)) and not viewer.code
    for viewer in frozen:
        viewer.awake.set()
    # Whole frames, in order, then why.
    assert {await viewer.over() for viewer in frozen} == {3008}
    for viewer in frozen:
        had = viewer.told[ROOM]
        assert had == list(range(len(had))) and len(had) < count
        assert viewer.bids[-1]["code"] == 3008
    for start in range(0, many, 50):  # what each has missed is a frame of 800 KB
        await asyncio.gather(*(v.come() for v in frozen[start : start + 50]))
    await told(frozen, ROOM, count)
    for viewer in frozen:
        assert viewer.told[ROOM] == list(range(count)) and viewer.gaps == []


async def flood(readers: list[Viewer], least: int) -> int:
    """Publications of 4 KB, told to all who read; how many."""
    for first in range(0, least, 20):
        wish = {"first": first, "count": 20, "text": "x" * 4000}
        await readers[0].reply("tell.all", channel=ROOM, **wish)
        await told(readers, ROOM, first + 20)
    return least


async def test_slow_viewer_reading_a_little_gets_all_that_matters(
    spawn_server: Spawn, visit: Visit
) -> None:
    """A frame now and then in a flood of comments, and pings it cannot answer yet."""
    server = spawn_server(**ROOMS, SOUK_STALL_SECONDS="60", SOUK_PING_SECONDS="2")
    channels = (ROOM, CHATTER, STATE)
    readers = [visit(server.url, n, *channels) for n in range(1, 21)]
    slow = visit(server.url, 99, *channels, buffer=4096)
    await asyncio.gather(*(viewer.come() for viewer in (*readers, slow)))
    for n in range(50):
        teller = readers[n % 20]  # none too often
        chatter = {"first": 4 * n, "count": 4, "text": "x" * 4000}
        await teller.reply("tell.all", channel=CHATTER, **chatter)
        await teller.reply("tell.all", channel=ROOM, first=n)
        await teller.reply("price.set", channel=STATE, amount=n)
        await told(readers, ROOM, n + 1)
        if n % 10 == 0:
            slow.awake.set()
            await asyncio.sleep(0)
        slow.awake.clear()
    for viewer in readers:
        assert viewer.told[ROOM] == list(range(50))
    pinged = readers[0].pings
    async with asyncio.timeout(30):
        while readers[0].pings < pinged + 2:
            await asyncio.sleep(0.05)
    slow.awake.set()
    async with asyncio.timeout(30):
        while slow.state != {"price": {"amount": 49}} or len(slow.told[ROOM]) < 50:
            assert not slow.code
            await asyncio.sleep(0.05)
    assert slow.told[ROOM] == list(range(50))
    comments = slow.told[CHATTER]
    assert comments == sorted(comments)
    assert slow.skipped and len(comments) + slow.skipped <= 200
    assert not slow.code
