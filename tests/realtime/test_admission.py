"""Admitted once, at a rate: by the store's clock, the same for every process."""

import asyncio
import os
import signal

import pytest

from realtime import (
    Answer,
    New,
    Pending,
    Rate,
    Reused,
    Unavailable,
    Wait,
    admit,
    settle,
    take,
)
from realtime.admission import Admission
from realtime.embedded import Embedded
from realtime.store import CALL_SECONDS, Store

pytestmark = pytest.mark.usefixtures("live")
ONE = b"digest of one body"
OTHER = b"digest of another"
SLOW = Rate(0.5, burst=2)


async def test_of_many_at_once_one_is_admitted_and_the_others_are_pending() -> None:
    answers: list[Admission] = await asyncio.gather(
        *(admit(7, "id", ONE) for _ in range(20))
    )
    assert answers.count(New()) == 1
    assert answers.count(Pending()) == 19


async def test_a_settled_command_is_answered_again() -> None:
    await admit(7, "id", ONE)
    assert await settle(7, "id", ONE, b"answer")
    assert await admit(7, "id", ONE) == Answer(b"answer")


async def test_an_id_with_another_body_is_reused_and_settles_nothing() -> None:
    await admit(7, "id", ONE)
    assert await admit(7, "id", OTHER) == Reused()
    assert not await settle(7, "id", OTHER, b"other")
    await settle(7, "id", ONE, b"answer")
    assert await admit(7, "id", OTHER) == Reused()


async def test_ids_of_two_people_do_not_meet() -> None:
    assert await admit(7, "id", ONE) == New()
    assert await admit(8, "id", OTHER) == New()


async def test_a_hold_ends_by_itself(live: Store) -> None:
    await admit(7, "id", ONE, hold_s=0.05)
    async with asyncio.timeout(2):
        while await admit(7, "id", ONE, hold_s=0.05) == Pending():
            pass


async def test_an_empty_bucket_says_how_long_and_admits_nothing() -> None:
    rates = [("comment", SLOW)]
    assert await admit(7, "a", ONE, rates=rates) == New()
    assert await admit(7, "b", ONE, rates=rates) == New()
    answer = await admit(7, "c", ONE, rates=rates)
    assert isinstance(answer, Wait)
    assert 1900 < answer.ms <= 2000
    assert await admit(7, "c", ONE) == New()


async def test_a_resend_costs_no_token() -> None:
    rates = [("comment", SLOW)]
    for _ in range(10):
        await admit(7, "a", ONE, rates=rates)
    assert await admit(7, "b", ONE, rates=rates) == New()


async def test_one_empty_bucket_leaves_the_others_full() -> None:
    await take(7, "slow", Rate(0.1, burst=1))
    rates = [("fast", SLOW), ("slow", Rate(0.1, burst=1))]
    assert isinstance(await admit(7, "a", ONE, rates=rates), Wait)
    assert await take(7, "fast", SLOW, cost=2) == 0


async def test_a_bucket_gives_its_burst_then_makes_wait() -> None:
    assert [await take(7, "b", SLOW) for _ in range(2)] == [0, 0]
    assert 1900 < await take(7, "b", SLOW) <= 2000


async def test_a_bucket_fills_again() -> None:
    quick = Rate(100, burst=1)
    assert await take(7, "b", quick) == 0
    async with asyncio.timeout(2):
        while await take(7, "b", quick):
            pass


async def test_every_key_of_admission_expires(live: Store) -> None:
    await admit(7, "a", ONE, rates=[("comment", SLOW)])
    await admit(7, "b", ONE)
    await settle(7, "b", ONE, b"")
    for key in await live.call("KEYS", "*"):
        assert await live.call("TTL", key) > 0


async def test_nobody_waits_for_a_frozen_store_to_be_allowed_what_they_do(
    live: Store, valkey: Embedded
) -> None:
    assert valkey.process is not None
    await take(7, "buy", SLOW)
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        asked = asyncio.create_task(admit(7, "id", ONE))  # this one has to know
        for _ in range(20):
            with pytest.raises(Unavailable):
                await take(7, "buy", SLOW)
        assert not asked.done()  # not two seconds
        with pytest.raises(Unavailable):
            await asked
        async with asyncio.timeout(CALL_SECONDS):
            with pytest.raises(Unavailable):
                await take(7, "buy", SLOW)
    finally:
        os.kill(valkey.process.pid, signal.SIGCONT)
    await live.call("PING")
    await take(7, "buy", SLOW)
