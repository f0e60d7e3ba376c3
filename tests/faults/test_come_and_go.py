"""Viewers come and go, on descriptors of those who left, in the middle of passes."""

import asyncio
from random import Random

import pytest

from tests.faults.crowd import Viewer, Visit, told
from tests.live import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]

ROOMS = ("deals:left", "deals:right")


async def test_come_and_go_mixes_no_rooms_and_loses_nothing(
    rooms: Server, visit: Visit, full: bool, seed: int
) -> None:
    count, rounds = (1000, 40) if full else (60, 12)
    rng = Random(seed)
    viewers = [visit(rooms.url, n, ROOMS[n % 2]) for n in range(1, count + 1)]
    talkers = [visit(rooms.url, 0) for _ in range(rounds)]
    await asyncio.gather(*(viewer.come() for viewer in (*viewers, *talkers)))
    for n, talker in enumerate(talkers):
        movers = rng.sample(viewers, count // 2)
        for viewer in movers:
            viewer.leave()
        # Told while they leave, and while others get their descriptors.
        talk = [tell(talker, room, 5 * n) for room in ROOMS]
        await asyncio.gather(*talk, *(viewer.come_again() for viewer in movers))
    for room in ROOMS:
        there = [viewer for viewer in viewers if viewer.channels == (room,)]
        await told(there, room, 5 * rounds)
        for viewer in there:
            assert viewer.told[room] == list(range(5 * rounds))
            assert viewer.gaps == [] and viewer.strays == []


async def tell(talker: Viewer, room: str, first: int) -> None:
    for n in range(first, first + 5):
        await talker.reply("tell.all", channel=room, first=n)
