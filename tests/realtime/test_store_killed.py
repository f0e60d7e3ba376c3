"""The store dies, or is emptied, under live sockets: nothing is lost in silence."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from redis import Redis

from realtime import issue_ticket
from realtime.embedded import Embedded
from realtime.store import store
from realtime.testing import LiveClient, Refused
from tests.live import Server
from tests.realtime.conftest import SQUARE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Embedded]:
    """A store that may be killed."""
    with Embedded(tmp_path / "store") as embedded:
        yield embedded


@pytest.fixture
async def client(
    mortal: Embedded, tmp_path: Path, settings: Settings, django_db_setup: None
) -> AsyncIterator[LiveClient]:
    """User 7 on `deals:x`, on a server of its own."""
    settings.REDIS_URL = mortal.url
    settings.SOUK_SIGN_OUTS = ""
    server = Server(tmp_path, mortal.url, SOUK_ROUTER=SQUARE, SOUK_SIGN_OUTS="")
    async with LiveClient(server.url) as made:
        await made.connect(await issue_ticket(7))
        await made.subscribe("deals:x")
        yield made
    if (link := store.drop()) is not None:
        await link.close()
    await asyncio.to_thread(server.stop)


async def told(client: LiveClient, n: int) -> None:
    """Publish, as soon as there is a store to do it with."""
    async with asyncio.timeout(10):
        while True:
            try:
                await client.rpc("tell.all", {"channel": "deals:x", "first": n})
                return
            except Refused as refused:
                assert refused.temporary
                await asyncio.sleep(0.1)


async def test_a_killed_store_costs_no_socket_and_those_who_may_have_missed_are_told(
    client: LiveClient, mortal: Embedded
) -> None:
    await told(client, 1)
    assert (await client.push("deals:x"))["n"] == 1
    assert mortal.process is not None
    mortal.process.kill()
    mortal.process.wait()
    with pytest.raises(Refused) as refused:
        await client.rpc("tell.all", {"channel": "deals:x", "first": 2})
    assert refused.value.code == 108
    assert await client.rpc("whisper.say", {"text": "alive"})  # the socket lives on
    mortal.tend()
    mortal.wait()
    # `#7` was on the lost link, too: the client is asked to return and recover.
    assert (await client.control("disconnect"))["disconnect"]["code"] == 3010
    assert (await client.wait_closed()).code == 3010


async def test_an_emptied_store_is_taken_as_it_is_while_the_link_holds(
    client: LiveClient, mortal: Embedded
) -> None:
    await told(client, 1)
    first = await client.publication("deals:x")
    with Redis(unix_socket_path=str(mortal.socket)) as admin:
        admin.flushall()
    await told(client, 2)
    second = await client.publication("deals:x")
    assert (first["pub"]["offset"], second["pub"]["offset"]) == (1, 1)
    assert second["pub"]["data"]["n"] == 2
    assert client.closed is None
