"""A store of our own, empty before each test that asks for it."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest
from pytest_django.fixtures import Settings
from redis import Redis

from realtime.broker import Broker, broker
from realtime.db import threads
from realtime.embedded import Embedded
from realtime.store import Store, store
from tests.live import Connect, Server, Spawn, free_port
from tests.realtime.inner import Inner
from tests.realtime.partners import TRUSTING


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


SQUARE = "tests.realtime.square.router"


@pytest.fixture(scope="session")
def square_admin_port() -> int:
    return free_port()


@pytest.fixture
def inner(square: Server, square_admin_port: int) -> Inner:
    """The square's admin port."""
    return Inner(square_admin_port)


@pytest.fixture(scope="session")
def square(
    site_store: Embedded,
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
    square_admin_port: int,
) -> Iterator[Server]:
    """A server whose only room is square.py."""
    folder = tmp_path_factory.mktemp("square")
    environment = {
        "SOUK_ROUTER": SQUARE,
        "SOUK_SIGN_OUTS": "",  # its people are mere numbers
        **TRUSTING,
        "SOUK_CONNECT_SECONDS": "3",
        "SOUK_STALL_SECONDS": "8",
        "SOUK_ADMIN_PORT": str(square_admin_port),
    }
    made = Server(folder, site_store.url, **environment)
    yield made
    if made.is_running:
        assert made.stop() == 0, made.log.read_text()


@pytest.fixture
def visit(connect: Connect, square: Server, settings: Settings) -> Connect:
    """`connect`, to the square."""
    settings.SOUK_ROUTER = SQUARE
    settings.SOUK_SIGN_OUTS = ""
    return partial(connect, to=square)


@pytest.fixture
def spawn_square(spawn_server: Spawn) -> Server:
    """A square of the test's own, that may be ended."""
    return spawn_server(SOUK_ROUTER=SQUARE, SOUK_SIGN_OUTS="")


@pytest.fixture
async def node(live: Store) -> Broker:
    return broker()
