"""A store of our own, empty before each test that asks for it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from pytest_django.fixtures import Settings
from redis import Redis

from realtime.broker import Broker, broker
from realtime.db import threads
from realtime.embedded import Embedded
from realtime.store import Store, store


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with Embedded(tmp_path_factory.mktemp("store")) as embedded:
        yield embedded


@pytest.fixture
def admin(valkey: Embedded) -> Iterator[Redis]:
    """A client beside ours, to break things with."""
    with Redis(unix_socket_path=str(valkey.socket)) as client:
        client.flushall()
        yield client


@pytest.fixture
async def live(
    valkey: Embedded, admin: Redis, settings: Settings
) -> AsyncIterator[Store]:
    """The running loop's link to the store; the rooms are those of rooms.py."""
    settings.REDIS_URL = valkey.url
    settings.SOUK_ROUTER = "tests.realtime.rooms.router"
    link = store()
    yield link
    if (listening := broker.drop()) is not None:
        await listening.close()
    if (pool := threads.drop()) is not None:
        pool.close()
    store.drop()
    await link.close()


@pytest.fixture
async def node(live: Store) -> Broker:
    return broker()
