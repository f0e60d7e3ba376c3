"""Committed means published, once in effect: through crashes and an absent store."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import msgspec
import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from realtime import Unavailable, db, history, publish_on_commit
from realtime.broker import Broker
from realtime.embedded import Embedded
from realtime.models import OutboxEvent
from realtime.outbox import Outbox, tidy
from realtime.publishing import hand_rows_to
from realtime.store import Store
from tests.live import database_url
from tests.realtime.rooms import Rang

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("alone"),
]

CHANNELS = ["deals:1", "deals:2"]
CHILD = """
import asyncio
import django
django.setup()
from django.conf import settings
settings.SOUK_ROUTER = "tests.realtime.rooms.router"
from realtime import db
from realtime.outbox import Outbox
from tests.realtime.test_outbox import commit

async def main():
    sender = asyncio.create_task(Outbox().run())
    await asyncio.sleep(0)
    await db(commit, 1, 2, 3)
    await asyncio.wait([sender], timeout=20)

asyncio.run(main())
"""


def commit(*times: int) -> None:
    for number in times:
        with transaction.atomic():
            publish_on_commit(CHANNELS, Rang(times=number))


def unsent() -> int:
    return OutboxEvent.objects.filter(sent_at=None).count()


async def published() -> dict[str, list[int]]:
    """What each channel's history holds, once no row is left to send."""
    async with asyncio.timeout(20):
        while await db(unsent):
            await asyncio.sleep(0.02)
    told = {}
    for channel in CHANNELS:
        held = await history(channel, 500)
        told[channel] = [
            msgspec.msgpack.decode(publication.data)["times"]
            for publication in held.publications
        ]
    return told


def each(*times: int) -> dict[str, list[int]]:
    return {channel: list(times) for channel in CHANNELS}


@asynccontextmanager
async def sender() -> AsyncIterator[Outbox]:
    outbox = Outbox()
    task = asyncio.create_task(outbox.run())
    await asyncio.sleep(0)
    yield outbox
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
def valkey(site_store: Embedded) -> Embedded:
    """The session's server sweeps this database too: to the same store, then."""
    return site_store


async def test_a_commit_is_pushed_at_once_not_by_the_sweep(node: Broker) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue(100)
    node.start(lambda name, _: heard.put_nowait(name), lambda: None)
    await node.subscribe([CHANNELS[1]])
    async with sender(), asyncio.timeout(15):
        for number in range(20):  # 20 s, were each to wait for a sweep
            await db(commit, number)
            await heard.get()


async def test_many_commits_are_pushed_in_order_to_all_channels(live: Store) -> None:
    async with sender():
        await db(commit, *range(400))
        assert await published() == each(*range(400))


async def test_what_a_dead_process_committed_is_swept(live: Store) -> None:
    # One without a sender stands for one killed between its commit and the push.
    await db(commit, 0, 1)
    async with sender():
        assert await published() == each(0, 1)
        await asyncio.to_thread(commit_elsewhere)
        assert await published() == each(0, 1, 2)


def commit_elsewhere() -> None:
    try:
        hand_rows_to(None)
        commit(2)
    finally:
        connection.close()


async def test_killed_between_publish_and_mark_it_is_delivered_once(
    live: Store, valkey: Embedded
) -> None:
    child = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", CHILD],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": database_url(),
            "REDIS_URL": valkey.url,
            "SOUK_FAILPOINTS": "outbox.after_publish=kill@1",
            "SOUK_DEBUG": "1",
        },
        timeout=30,
    )
    assert child.returncode == -signal.SIGKILL
    async with sender():
        await db(commit, 9)
        told = await published()
    # It may have died with any of its rows published, or committed.
    for numbers in told.values():
        assert numbers == [*range(1, len(numbers)), 9]
        assert len(numbers) > 1


async def test_two_senders_neither_repeat_nor_reorder(live: Store) -> None:
    await db(commit, *range(400))
    async with sender(), sender():
        assert await published() == each(*range(400))


async def test_rows_wait_for_an_absent_store_and_leave_in_order(
    live: Store, valkey: Embedded
) -> None:
    assert valkey.process is not None
    async with sender():
        await db(commit, 0)
        assert await published() == each(0)
        os.kill(valkey.process.pid, signal.SIGSTOP)
        try:
            await db(commit, 1, 2, 3)
            with pytest.raises(Unavailable):
                await live.call("PING")
            assert await db(unsent) == 3
        finally:
            os.kill(valkey.process.pid, signal.SIGCONT)
        await db(commit, 4, 5)
        assert await published() == each(*range(6))


async def test_what_can_never_be_published_holds_up_nothing(live: Store) -> None:
    row = OutboxEvent(channels=["nosuch:1"], data=b"\x01")
    await db(row.save)
    async with sender():
        await db(commit, 1)
        assert await published() == each(1)


def test_rows_sent_long_ago_are_thrown_away() -> None:
    commit(1, 2, 3)
    ids = list(OutboxEvent.objects.order_by("id").values_list("id", flat=True))
    OutboxEvent.objects.filter(id=ids[0]).update(sent_at=Now() - timedelta(hours=73))
    OutboxEvent.objects.filter(id=ids[1]).update(sent_at=Now() - timedelta(hours=71))
    tidy()
    left = OutboxEvent.objects.order_by("id").values_list("id", flat=True)
    assert list(left) == ids[1:]


async def test_a_process_that_is_never_idle_sweeps_what_a_dead_one_left(
    live: Store,
) -> None:
    async with sender() as outbox, asyncio.timeout(12):
        await db(commit, 1)
        await published()  # from here on it is not behind
        hand_rows_to(None)
        await db(commit, 2)  # as by a process that died before it sent
        left = await db(lambda: OutboxEvent.objects.latest("id").pk)
        hand_rows_to(outbox.add)
        waits = OutboxEvent.objects.filter(pk=left, sent_at=None)
        while await db(waits.exists):
            await db(commit, 3)  # rings more often than the sweep waits
            await asyncio.sleep(0.05)
