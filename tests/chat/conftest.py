"""A store of our own for what runs on the loop; and no test leaves chat untrue."""

from collections.abc import AsyncIterator, Iterator

import pytest
from pytest_django.fixtures import Settings
from redis import Redis

from chat.audit import findings
from realtime.broker import broker
from realtime.db import threads
from realtime.embedded import Embedded
from realtime.store import store


@pytest.fixture(autouse=True)
def audited(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test with a database ends with the audit green, but those of the audit."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None:
        yield
        return
    request.getfixturevalue("_django_db_helper")
    yield
    if request.node.get_closest_marker("broken_on_purpose") is None:
        assert list(findings()) == []


@pytest.fixture(scope="session")
def private_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with Embedded(tmp_path_factory.mktemp("store")) as embedded:
        yield embedded


@pytest.fixture
async def loop_store(
    private_store: Embedded, settings: Settings
) -> AsyncIterator[Redis]:
    """The running loop's store, empty; a client beside ours to break things with."""
    settings.REDIS_URL = private_store.url
    with Redis(unix_socket_path=str(private_store.socket)) as client:
        client.flushall()
        yield client
    if (listening := broker.drop()) is not None:
        await listening.close()
    if (pool := threads.drop()) is not None:
        pool.close()
    if (link := store.drop()) is not None:
        await link.close()
