"""What the engine tells is carried in order, and a picture SQL does not want is cut."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing

import pytest
from django.conf import settings
from django.db import connection

from realtime import db
from streams.actions import lifecycle
from streams.facts import FactQueue
from streams.models import Ingest, Stream

pytestmark = pytest.mark.django_db(transaction=True)

Connect = Callable[[Stream], Ingest]


class Carried:
    def __init__(self) -> None:
        self.refused: list[tuple[str, str]] = []
        self.queue = FactQueue(lambda ingest, why: self.refused.append((ingest, why)))


@pytest.fixture
async def carried() -> AsyncIterator[Carried]:
    made = Carried()
    task = asyncio.create_task(made.queue.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_facts_are_carried_in_the_order_they_happened(
    carried: Carried, live: Stream
) -> None:
    ingest = (await db(live.ingests.get)).pk
    for _ in range(5):
        carried.queue.ingest_silent(ingest)
        carried.queue.ingest_resumed(ingest)
    carried.queue.ingest_closed(ingest, "dtls")
    await carried.queue.all_carried()
    kinds = await db(lambda: list(live.history.values_list("kind", flat=True)))
    assert kinds[2:] == ["interrupted", "recovered"] * 5 + ["interrupted"]
    assert carried.refused == []


@pytest.mark.fault
@pytest.mark.skipif(
    not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"),
    reason="holds SQLite's one lock",
)
async def test_facts_wait_in_order_while_the_database_takes_no_writes(
    carried: Carried, live: Stream, caplog: pytest.LogCaptureFixture
) -> None:
    ingest = (await db(live.ingests.get)).pk
    name = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(name, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        carried.queue.ingest_silent(ingest)
        carried.queue.ingest_resumed(ingest)
        async with asyncio.timeout(15):  # its own patience is 5 s
            while "a fact waits" not in caplog.text:
                await asyncio.sleep(0.05)
        other.execute("ROLLBACK")
    await carried.queue.all_carried()
    kinds = await db(lambda: list(live.history.values_list("kind", flat=True)))
    assert kinds[2:] == ["interrupted", "recovered"]


async def test_a_superseded_and_an_unknown_ingest_are_cut_off(
    carried: Carried, live: Stream, connect_ingest: Connect
) -> None:
    late = (await db(connect_ingest, live)).pk
    await db(lifecycle.end, live.pk, "host")
    carried.queue.ingest_started(late, 2, "H264", "opus")
    carried.queue.ingest_started("unknown", 3, "H264", "opus")
    await carried.queue.all_carried()
    assert carried.refused == [(late, "superseded"), ("unknown", "refused")]
