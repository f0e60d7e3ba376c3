"""The database threads: a slow query holds up no quick one, a crowd is told `busy`."""

import asyncio
from contextvars import ContextVar
from threading import Event as Flag

import pytest

from realtime import CommandError, db
from realtime.db import WAITING, DatabaseThreads, threads

who: ContextVar[str] = ContextVar("who")


async def test_a_quick_job_does_not_wait_for_a_slow_one() -> None:
    done = Flag()
    slow = asyncio.create_task(db(done.wait, 10))
    assert await db(lambda: 7) == 7
    assert not slow.done()
    done.set()
    assert await slow


async def test_the_caller_s_context_comes_along() -> None:
    who.set("host")
    assert await db(who.get) == "host"


async def test_of_five_hundred_at_once_some_are_told_busy_and_none_hangs() -> None:
    done = Flag()
    pool = threads()
    jobs = [asyncio.create_task(db(done.wait, 30)) for _ in range(500)]
    refused, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_EXCEPTION)
    assert pool.waiting <= WAITING
    done.set()
    results = await asyncio.gather(*jobs, return_exceptions=True)
    busy = [r for r in results if isinstance(r, CommandError) and r.name == "busy"]
    assert len(busy) == len(refused) >= 500 - WAITING - 8
    assert results.count(True) == 500 - len(busy)


async def test_a_job_given_up_keeps_its_thread_until_it_ends() -> None:
    pool = DatabaseThreads(1)
    done, began = Flag(), Flag()

    def job() -> bool:
        began.set()
        return done.wait(10)

    task = asyncio.create_task(pool.run(job))
    await asyncio.to_thread(began.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    next_one = asyncio.create_task(pool.run(lambda: 1))
    await asyncio.sleep(0)
    assert pool.waiting == 1
    done.set()
    assert await next_one == 1
    pool.close()
