"""docs/protocol.md against a real server: what it shows is what happens."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from chat.events import Likes
from commerce.events import BagChanged, StockOut, StockTick
from realtime import count, db, disconnect, issue_ticket, publish, unsubscribe
from realtime.broker import broker
from realtime.codecs import JSON
from realtime.embedded import Embedded
from realtime.frames import hidden
from realtime.protocol import COMMANDS
from realtime.store import store
from tests.chat.shows import a_fresh_key, a_stream
from tests.flows.replay import Replay, blocks, read
from tests.live import Server
from tests.realtime.partners import TRUSTING, token

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
SKIPPED = "lane.skipped"


@pytest.fixture
def own_server(
    tmp_path: Path, settings: Settings, django_db_setup: None
) -> Iterator[Server]:
    """With a store nobody has used."""
    with Embedded(tmp_path / "store") as embedded:
        settings.REDIS_URL = embedded.url
        made = Server(tmp_path, embedded.url, **TRUSTING)
        yield made
        assert made.stop() == 0, made.log.read_text()


@pytest.fixture
async def replay(own_server: Server) -> AsyncIterator[Replay]:
    """User 7 and their stream 42, both with a past."""
    host = await User.objects.acreate(pk=7, username="mei", name="Mei")
    await db(a_stream, host, pk=42)
    for version in range(1, 42):
        await bag(version)
    await publish("state:42", Likes(total=9117, version=9117))
    await publish("state:42", StockTick(offer=7, left=3, in_stock=True, version=88))
    await crowd(118)
    client = Replay(
        own_server.url,
        {
            "t.9xKc…": await issue_ticket(7),
            "t.7bWe…": await issue_ticket(7),
            "018f6b…": a_fresh_key(time.time_ns() // 1_000_000),
            "eyJhbGciOi…": token(7),
            "eyJraWQiOi…": token(7, kid="signed"),
        },
    )
    yield client
    await client.close()
    broker.drop()
    if (link := store.drop()) is not None:
        await link.close()


async def bag(version: int) -> None:
    await publish("#7", BagChanged(version=version, lines=version % 40))


async def out(version: int = 89) -> None:
    await publish("deals:42", StockOut(number=3, offer=7, version=version))


async def crowd(count: int) -> None:
    for version in range(count):
        await out(version)


async def liked() -> None:
    await publish("state:42", Likes(total=9120, version=9120))


async def counted() -> None:
    """The server has told the store who is there; it does so every two seconds."""
    async with asyncio.timeout(10):
        while (await count("deals:42")).clients != 1:
            await asyncio.sleep(0.05)


async def ousted() -> None:
    await unsubscribe(7, ["deals:42"], 2100)


async def signed_out() -> None:
    await disconnect(7, 4501)


async def test_every_frame_of_the_page_is_sent_and_every_answer_compared(
    replay: Replay,
) -> None:
    causes = {
        '"pub":{"data":{"type":"stock.out"': out,
        '"pub":{"data":{"likes"': liked,
        '"unsubscribe":{"code":2100': ousted,
        '"code":4501': signed_out,
    }
    seen = [block for block in blocks(PAGE) if block]
    assert len(seen) > 7
    for block in seen:
        if "r.kgfO…" in block[0][1]:  # what it missed
            await bag(42)
            await bag(43)
            await crowd(501)
        if any("presence_stats" in text for _, text in block):
            await counted()
        told = [line for line in block if SKIPPED not in line[1]]
        await replay.play(told, causes)


def test_what_only_a_slow_reader_is_told_is_what_the_hub_makes() -> None:
    (line,) = [text for block in blocks(PAGE) for _, text in block if SKIPPED in text]
    assert hidden(JSON, "comments:42", 12).decode() == line


def test_every_command_a_client_may_give_is_worked_there() -> None:
    sent = [read(text) for block in blocks(PAGE) for way, text in block if way == "→"]
    given = {name for message in sent for name in message if name != "id"}
    assert given == {*COMMANDS} - {"presence", "sub_refresh"}


def test_each_kind_of_push_is_shown() -> None:
    kinds = set(re.findall(r'^← {"push":{(?:"channel":"[^"]+",)?"(\w+)"', PAGE, re.M))
    assert kinds == {"pub", "unsubscribe", "disconnect"}
