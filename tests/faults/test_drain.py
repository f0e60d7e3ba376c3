"""A process is told to end with many inside, who go on ordering meanwhile."""

import asyncio
import signal

import pytest

from tests.faults import ROOMS
from tests.faults.crowd import Refused, Viewer, Visit, told
from tests.live import Server, Spawn

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.fault,
    pytest.mark.timeout(300),
]

ROOM = "deals:drain"


class Writer:
    """Posts letters one after another, here until it is sent away, then elsewhere."""

    def __init__(self, viewer: Viewer, number: int) -> None:
        self.viewer = viewer
        self._first = number * 100_000
        self.answered = 0

    async def post(self) -> None:
        """The next, under its own key; raises `Refused` if the answer does not come."""
        n = self._first + self.answered
        reply = await self.viewer.reply("post.letter", key=f"k{n}", channel=ROOM, n=n)
        assert reply["n"] == n
        self.answered += 1

    async def until_sent_away(self) -> None:
        while not self.viewer.code:
            try:
                await self.post()
            except Refused:  # too often, too late, or the end
                await asyncio.sleep(0.05)

    @property
    def letters(self) -> set[int]:
        return set(range(self._first, self._first + self.answered))


async def test_drain_of_a_crowd_loses_no_accepted_letter(
    rooms: Server, spawn_server: Spawn, visit: Visit, full: bool
) -> None:
    count, window = (5000, 10.0) if full else (150, 1.0)
    server = spawn_server(**ROOMS, SOUK_DRAIN_SECONDS=str(window))
    reader = visit(rooms.url, 1, ROOM)
    await reader.come()
    viewers = [visit(server.url, n) for n in range(2, count)]
    for start in range(0, count, 200):
        await asyncio.gather(*(v.come() for v in viewers[start : start + 200]))
    writers = [Writer(viewer, n) for n, viewer in enumerate(viewers[:20], 1)]
    writing = [asyncio.create_task(writer.until_sent_away()) for writer in writers]
    await told([reader], ROOM, 20)
    began = asyncio.get_running_loop().time()
    server.process.send_signal(signal.SIGTERM)
    codes = await asyncio.gather(*(viewer.over() for viewer in viewers))
    await asyncio.gather(*writing)
    assert set(codes) == {3001}
    for viewer in viewers:
        assert [(b["code"], b["reconnect"]) for b in viewer.bids] == [(3001, True)]
    ends = sorted(viewer.ended_at - began for viewer in viewers)
    assert await asyncio.to_thread(server.reap) == 0
    took = asyncio.get_running_loop().time() - began
    # Whose last letter was not answered sends it again elsewhere: one of each.
    for writer in writers:
        writer.viewer.url = rooms.url
        await writer.viewer.come()
        await writer.post()
    letters = set().union(*(writer.letters for writer in writers))
    await told([reader], ROOM, len(letters))
    assert sorted(reader.told[ROOM]) == sorted(letters)
    print(
        f"{count} told in {ends[-1]:.1f} s, gone in {took:.1f}, {len(letters)} letters"
    )
    if full:  # and evenly: on a machine that has time for it
        assert took <= 20 and window * 0.9 < ends[-1] < window * 1.2
        quarters = [ends[len(ends) * n // 4] / window for n in (1, 2, 3)]
        assert quarters == pytest.approx([0.25, 0.5, 0.75], abs=0.1)
