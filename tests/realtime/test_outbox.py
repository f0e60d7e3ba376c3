"""Committed means published, once in effect: through crashes and an absent store."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.db.models.functions import Now
from pytest_django.fixtures import Settings

from realtime import db, publish_on_commit
from realtime.broker import Broker, broker
from realtime.embedded import Embedded
from realtime.models import OutboxEvent
from realtime.outbox import Outbox, tidy
from realtime.store import Store
from tests.realtime.rooms import Rang

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

CHILD = """
import asyncio, os, sys
import django
django.setup()
from django.conf import settings
settings.SOUK_ROUTER = "tests.realtime.rooms.router"
from realtime.outbox import Outbox
async def main():
    await asyncio.wait_for(Outbox().run(), 20)
asyncio.run(main())
"""


def commit(*times: int, channels: tuple[str, ...] = ("#1", "#2")) -> None:
    for number in times:
        with transaction.atomic():
            publish_on_commit(channels, Rang(times=number))


def unsent() -> int:
    return OutboxEvent.objects.filter(sent_at=None).count()


class Ear:
    def __init__(self, node: Broker) -> None:
        self.heard: dict[str, list[int]] = {}
        self._news = asyncio.Event()
        node.start(
            lambda name, p: self.hear(name, msgspec.msgpack.decode(p.data)["times"]),
            lambda: None,
        )

    def hear(self, name: str, times: int) -> None:
        self.heard.setdefault(name, []).append(times)
        self._news.set()

    async def until(self, last: int, name: str = "#2") -> list[int]:
        async with asyncio.timeout(10):
            while last not in self.heard.get(name, []):
                self._news.clear()
                await self._news.wait()
        return self.heard[name]


@pytest.fixture
async def ear(node: Broker) -> Ear:
    listener = Ear(node)
    await node.subscribe(["#1", "#2"])
    return listener


@asynccontextmanager
async def sender() -> AsyncIterator[Outbox]:
    outbox = Outbox()
    task = asyncio.create_task(outbox.run())
    await asyncio.sleep(0)
    yield outbox
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def all_marked() -> None:
    async with asyncio.timeout(10):
        while await db(unsent):
            await asyncio.sleep(0.02)


async def test_a_commit_is_pushed_at_once_in_order_to_all_channels(ear: Ear) -> None:
    async with sender():
        await db(commit, *range(300))
        assert await ear.until(299) == list(range(300))
        assert ear.heard["#1"] == list(range(300))
        await all_marked()


async def test_what_a_dead_process_committed_is_swept_once(ear: Ear) -> None:
    async with sender():
        await asyncio.sleep(0)
        await db(commit, 0)
        await ear.until(0)
        # A process without a sender stands for one killed before it could send.
        await asyncio.to_thread(commit_elsewhere)
        assert await ear.until(1) == [0, 1]
        await all_marked()
    assert ear.heard == {"#1": [0, 1], "#2": [0, 1]}


def commit_elsewhere() -> None:
    from realtime.publishing import hand_rows_to

    hand_rows_to(None)
    try:
        commit(1)
    finally:
        connection.close()


async def test_killed_between_publish_and_mark_it_is_delivered_once(
    ear: Ear, valkey: Embedded
) -> None:
    await db(commit, 1, 2, 3)
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
        cwd=Path(django_settings.BASE),
    )
    assert child.returncode == -signal.SIGKILL
    assert await ear.until(3) == [1, 2, 3]
    assert await db(unsent) == 3
    async with sender():
        await all_marked()
        await db(commit, 4)
        assert await ear.until(4) == [1, 2, 3, 4]


def database_url() -> str:
    """Of the test database."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    return f"postgresql://{given['USER']}@/{given['NAME']}?host={given['HOST']}"


async def test_two_senders_neither_repeat_nor_reorder(ear: Ear) -> None:
    await db(commit, *range(600))
    async with sender(), sender():
        await all_marked()
        await ear.until(599)
    assert ear.heard == {"#1": list(range(600)), "#2": list(range(600))}


async def test_rows_wait_for_an_absent_store_and_leave_in_order(
    tmp_path: Path, valkey: Embedded, live: Store, settings: Settings
) -> None:
    own = Embedded(tmp_path)
    live.client.connection_pool.connection_kwargs["path"] = str(own.socket)
    node = broker()
    listener = Ear(node)
    async with sender():
        await db(commit, 0, 1, 2)
        assert await db(unsent) == 3
        own.tend()
        await asyncio.to_thread(own.wait)
        await node.subscribe(["#1", "#2"])
        await db(commit, 3, 4)
        assert await listener.until(4) == [0, 1, 2, 3, 4]
        await all_marked()
    own.stop()


async def test_what_can_never_be_published_holds_up_nothing(
    ear: Ear,
) -> None:
    await db(
        lambda: OutboxEvent.objects.create(channels=["nosuch:1", "#2"], data=b"\x01")
    )
    async with sender():
        await db(commit, 1)
        with suppress(KeyError, TypeError):
            await ear.until(1)
        await all_marked()


def test_rows_sent_long_ago_are_thrown_away() -> None:
    commit(1, 2, 3)
    ids = list(OutboxEvent.objects.order_by("id").values_list("id", flat=True))
    OutboxEvent.objects.filter(id=ids[0]).update(sent_at=Now() - timedelta(hours=73))
    OutboxEvent.objects.filter(id=ids[1]).update(sent_at=Now() - timedelta(hours=71))
    tidy()
    left = OutboxEvent.objects.order_by("id").values_list("id", flat=True)
    assert list(left) == ids[1:]
