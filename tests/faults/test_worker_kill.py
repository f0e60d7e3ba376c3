"""Web processes on one port: the same pushes on each, and one may be killed."""

import asyncio
import os
import signal
from pathlib import Path
from random import Random

import pytest

from tests.faults.crowd import Viewer, Visit, told
from tests.faults.serving import Serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]

ROOM, LETTERS = "deals:kill", "deals:letters"


async def test_worker_kill_costs_its_viewers_a_moment_and_no_push(
    tmp_path: Path, visit: Visit, full: bool, seed: int
) -> None:
    count = 1000 if full else 40
    with await asyncio.to_thread(Serving, tmp_path, web=2) as serving:
        viewers = [visit(serving.url, n, ROOM, LETTERS) for n in range(1, count + 1)]
        await asyncio.gather(*(viewer.come() for viewer in viewers))
        homes = [(await viewer.reply("who.serves"))["n"] for viewer in viewers]
        # The kernel has dealt them out among the two.
        assert set(homes) == serving.workers() and len(set(homes)) == 2
        doomed = Random(seed).choice(homes)
        talker = next(v for v, at in zip(viewers, homes, strict=True) if at != doomed)
        talking = asyncio.create_task(talk(talker))
        await told(viewers, ROOM, 5)
        # Its letters are committed; who is to push them is killed.
        writers = [v for v, at in zip(viewers, homes, strict=True) if at == doomed]
        letters = [w.rpc("post.letter", key="k", channel=LETTERS, n=n)
                   for n, w in enumerate(writers[:20])]  # fmt: skip
        await asyncio.wait(letters[:5], return_when=asyncio.FIRST_COMPLETED)
        os.kill(doomed, signal.SIGKILL)
        assert {await viewer.over() for viewer in writers} == {1006}
        await asyncio.gather(*(viewer.come_again() for viewer in writers))
        homes = [(await viewer.reply("who.serves"))["n"] for viewer in viewers]
        assert doomed not in homes
        for n, writer in enumerate(writers[:20]):
            sent = await writer.reply("post.letter", key="k", channel=LETTERS, n=n)
            assert sent["n"] == n
        last = await asyncio.wait_for(talking, 60)
        await told(viewers, ROOM, last)
        await told(viewers, LETTERS, len(letters))
        for viewer in viewers:
            assert viewer.told[ROOM] == list(range(last))
            assert sorted(viewer.told[LETTERS]) == list(range(len(letters)))
            assert viewer.gaps == []
        await asyncio.to_thread(serving.one_is_ready)
        assert len(serving.workers()) == 2 and doomed not in serving.workers()


async def talk(talker: Viewer) -> int:
    """For some seconds, as often as one may."""
    for n in range(60):
        await talker.reply("tell.all", channel=ROOM, first=n)
        await asyncio.sleep(0.04)
    return 60
