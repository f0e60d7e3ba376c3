"""The bad network itself: it delays, stalls, cuts, and changes no byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random

import pytest

from tests.faults.link import Link, Way


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a server that says everything again."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(4096):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def test_what_is_late_depends_on_seed_and_number_alone() -> None:
    way = Way(delay=0.05, jitter=0.02, loss=0.05)

    def lateness(seed: int) -> list[float]:
        return [way.lateness(Random(f"{seed}:{n}")) for n in range(2000)]

    assert lateness(1) == lateness(1) != lateness(2)
    stalled = [late for late in lateness(1) if late > 0.2]
    assert 50 < len(stalled) < 150
    assert min(lateness(1)) >= 0.05


async def test_bytes_arrive_whole_and_in_order_however_late(echo: int) -> None:
    text = b"".join(b"%08d" % n for n in range(4000))
    with Link(echo, seed=3) as link:
        link.up = Way(jitter=0.01, loss=0.02)
        link.down = Way(jitter=0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(text)
        async with asyncio.timeout(30):
            assert await reader.readexactly(len(text)) == text
        writer.close()


async def test_a_black_hole_takes_nothing_and_tells_nobody(echo: int) -> None:
    with Link(echo) as link:
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        link.blackhole()
        writer.write(b"after")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.readexactly(5)
        link.heal()
        assert await reader.readexactly(5) == b"after"
        writer.close()


@pytest.mark.parametrize("verb", ["reset", "cut", "cut_when"])
async def test_a_cut_is_a_reset(echo: int, verb: str) -> None:
    with Link(echo) as link:
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"BEGIN")
        assert await reader.readexactly(5) == b"BEGIN"
        if verb == "cut":
            link.cut(after=6)
        elif verb == "cut_when":
            link.cut_when(up=b"COMMIT")
        else:
            link.reset()
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            async with asyncio.timeout(10):
                writer.write(b"COMM")
                await writer.drain()
                await reader.readexactly(4)
                writer.write(b"IT")
                await reader.readexactly(3)
        writer.close()
        again, more = await asyncio.open_connection("127.0.0.1", link.port)
        more.write(b"COMMIT")
        assert await again.readexactly(6) == b"COMMIT"
        more.close()
