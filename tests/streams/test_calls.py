"""Questions to a media process and their answers, over a real store."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from realtime import Unavailable
from realtime.lists import pop, push
from realtime.store import store
from streams import calls
from streams.calls import Call, Close, Declined, Do, Play, Stats, caller, node_list
from streams.media.contract import Answer, NoCommonCodec, StreamStats

Serve = Callable[[Callable[[Do], Awaitable[Any]]], None]
STATS = Stats(7)


@pytest.fixture
async def serve(link: None) -> AsyncIterator[Serve]:
    """Runs the answering end of node `t1` until the test is over."""
    tasks: list[asyncio.Task[None]] = []

    def start(execute: Callable[[Do], Awaitable[Any]]) -> None:
        tasks.append(asyncio.create_task(calls.serve("t1", execute)))

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_question_is_answered_by_what_the_node_does(serve: Serve) -> None:
    done: list[Do] = []

    async def execute(do: Do) -> Any:
        done.append(do)
        if isinstance(do, Stats):
            return StreamStats(do.stream, "i", 3, "H264", "opus", kbps=900)
        return Answer("v=0", "tag")

    serve(execute)
    stats = await caller().ask("t1", STATS, StreamStats)
    assert (stats.stream, stats.video, stats.kbps) == (7, "H264", 900)
    play = Play("s", 7, None, "127.0.0.1", "offer")
    assert await caller().ask("t1", play, Answer) == Answer("v=0", "tag")
    assert done == [STATS, play]


async def test_answers_find_who_asked_whatever_their_order(serve: Serve) -> None:
    async def execute(do: Do) -> Any:
        assert isinstance(do, Stats)
        return StreamStats(do.stream, None, 0, None, None)

    serve(execute)
    asked = range(50)
    answers = await asyncio.gather(
        *(caller().ask("t1", Stats(n), StreamStats) for n in asked)
    )
    assert [answer.stream for answer in answers] == list(asked)


async def test_a_refusal_keeps_its_name_and_its_facts(serve: Serve) -> None:
    async def execute(do: Do) -> Any:
        raise NoCommonCodec(codec="VP8")

    serve(execute)
    with pytest.raises(Declined) as caught:
        await caller().ask("t1", STATS, StreamStats)
    assert (caught.value.name, caught.value.data) == (
        "no_common_codec",
        {"codec": "VP8"},
    )


async def test_a_mistake_of_the_node_is_a_refusal_and_it_serves_on(
    serve: Serve,
) -> None:
    async def execute(do: Do) -> Any:
        if isinstance(do, Close):
            raise RuntimeError("a mistake")
        return StreamStats(7, None, 0, None, None)

    serve(execute)
    with pytest.raises(Declined) as caught:
        await caller().ask("t1", Close("s", "x"), bool)
    assert caught.value.name == "internal"
    await push(node_list("t1"), b"\xc1 no call", keep_ms=1000)
    assert (await caller().ask("t1", STATS, StreamStats)).stream == 7


async def test_nobody_there_is_unavailable_after_three_seconds(link: None) -> None:
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        await caller().ask("nowhere", STATS, StreamStats)
    assert 2.9 < time.monotonic() - begun < 5


async def test_a_late_call_is_dropped_unexecuted(serve: Serve) -> None:
    done: list[Do] = []

    async def execute(do: Do) -> Any:
        done.append(do)
        return True

    late = Call("late", "", int(time.time() * 1000) - 1, Close("late", "x"))
    await push(node_list("t1"), calls.encode(late), keep_ms=5000)
    serve(execute)
    assert await caller().ask("t1", Close("s", "x"), bool) is True
    assert done == [Close("s", "x")]


async def test_what_is_told_waits_for_no_answer(serve: Serve) -> None:
    heard = asyncio.Event()

    async def execute(do: Do) -> Any:
        heard.set()

    serve(execute)
    await calls.tell("t1", Close("s", "x"))
    async with asyncio.timeout(5):
        await heard.wait()


async def test_a_list_gives_the_oldest_first_and_none_when_it_is_empty(
    link: None,
) -> None:
    for message in (b"a", b"b"):
        await push("souk:s:{t}:l", message, keep_ms=5000)
    assert [await pop("souk:s:{t}:l", seconds=0.1) for _ in range(3)] == [
        b"a",
        b"b",
        None,
    ]


async def test_without_a_store_there_is_no_list(
    settings: Settings, tmp_path: object
) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/nothing"
    with pytest.raises(Unavailable):
        await push("k", b"m", keep_ms=1)
    with pytest.raises(Unavailable):
        await pop("k", seconds=0.1)
    if (held := store.drop()) is not None:
        await held.close()
