"""Two seconds of busy Python: on the loop it is told, beside the loop it is shared."""

import asyncio

import pytest

from tests.faults.crowd import Visit, told
from tests.live import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]


async def test_loop_stall_is_logged_with_its_stack_and_costs_no_push(
    rooms: Server, visit: Visit
) -> None:
    viewer, other = visit(rooms.url, 1, "deals:stall"), visit(rooms.url, 2)
    await asyncio.gather(viewer.come(), other.come())
    spun = other.rpc("spin.round", seconds=2)
    await viewer.reply("tell.all", channel="deals:stall", first=0, count=3)
    await spun
    await told([viewer], "deals:stall", 3)
    assert viewer.told["deals:stall"] == [0, 1, 2]
    text = await logged(rooms, "the loop turns again after")
    assert "the loop has not turned for 1.0 s" in text
    assert "in spin_until" in text  # who was to blame


async def logged(server: Server, words: str) -> str:
    """The server's log, once these words are in it."""
    async with asyncio.timeout(10):
        while words not in (text := server.log.read_text()):
            await asyncio.sleep(0.05)
    return text


async def test_busy_thread_shares_the_interpreter_with_the_loop(
    rooms: Server, visit: Visit
) -> None:
    """How much of it is a matter of measure: `python -m bench.fanout`."""
    viewer = visit(rooms.url, 1, "deals:busy")
    await viewer.come()
    await viewer.reply("spin.round", seconds=60, beside=True)
    for n in range(50):
        await viewer.reply("tell.all", channel="deals:busy", first=n)
    await told([viewer], "deals:busy", 50)
    assert viewer.told["deals:busy"] == list(range(50))
    await viewer.reply("let.go")
