"""What tests of every room share: a store, a server, clients.

`server` is one real web process for the whole session, `connect` makes clients of it;
`spawn_server` starts others that may be killed.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import Model
from django.dispatch import receiver
from pytest_django.fixtures import Settings

from realtime.broker import broker
from realtime.embedded import Embedded
from realtime.store import store
from realtime.testing import LiveClient
from realtime.tokens import issue_ticket
from tests.live import Connect, Server, Spawn, suspended


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="faults in their long form")
    parser.addoption("--seed", type=int, default=1, help="of what is left to chance")


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether a fault is tried with the numbers of its row, not a tenth of them."""
    return bool(pytestconfig.getoption("--full"))


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int:
    """What a test's own `Random` begins with; given by `--seed`."""
    return int(pytestconfig.getoption("--seed"))


@pytest.fixture(scope="session")
def namespace() -> None:
    """WebRTC looks at every interface, so it runs only where none is the machine's."""
    if os.environ.get("SOUK_NAMESPACE") != "1":
        why = "needs a network of its own: tests/namespace.sh pytest …"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)


@pytest.fixture(scope="session")
def site_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """The store of the servers below; tests of the store itself have another."""
    with Embedded(tmp_path_factory.mktemp("site")) as embedded:
        yield embedded


@pytest.fixture(scope="session")
def server(
    site_store: Embedded,
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """The session's web process."""
    made = Server(tmp_path_factory.mktemp("web"), site_store.url)
    yield made
    if made.is_running:
        assert made.stop() == 0, made.log.read_text()


@pytest.fixture
def spawn_server(
    site_store: Embedded, django_db_setup: None, tmp_path: Path
) -> Iterator[Spawn]:
    """`spawn_server(SOUK_FAILPOINTS="…")`: a server of the test's own."""
    made: list[Server] = []

    def spawn(**env: str) -> Server:
        made.append(Server(tmp_path, site_store.url, **env))
        return made[-1]

    yield spawn
    for one in made:
        if one.is_running:
            one.stop()


@receiver(connection_created)
def let_others_give_way(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Emptying all tables after a test may lock itself together with a server that
    sweeps. PostgreSQL ends whoever finds the deadlock: let that not be the test, but
    the server, which finds it at once or gives up after ten seconds (`Server`).
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '30s'")


@pytest.fixture(scope="session", autouse=True)
def bank_allowed() -> None:
    """As with SOUK_DEBUG, which the servers of the tests have."""
    django_settings.SOUK_BANK = True


@pytest.fixture
def alone(transactional_db: None) -> Iterator[None]:
    """No server of the session does anything while this test runs."""
    with suspended():
        yield


@pytest.fixture
async def connect(
    site_store: Embedded, settings: Settings, request: pytest.FixtureRequest
) -> AsyncIterator[Connect]:
    """`await connect(user)`: a client signed in as this user (or id), or as nobody.

    Keywords: `codec="json" | "msgpack"`, `to` another server than `server`, `token`,
    `data`, `subs`, `compression=None`.
    """
    settings.REDIS_URL = site_store.url
    made: list[LiveClient] = []

    async def connect(
        user: int | Model | None = None,
        codec: str = "json",
        *,
        to: Server | None = None,
        token: str = "",
        compression: str | None = "deflate",
        **more: dict[str, object],
    ) -> LiveClient:
        to = to or request.getfixturevalue("server")
        client = LiveClient(to.url, codec=codec, compression=compression)
        await client.open()
        made.append(client)
        if user is not None:
            token = await issue_ticket(user.pk if isinstance(user, Model) else user)
        await client.connect(token, **more)
        return client

    yield connect
    for client in made:
        await client.close()
    broker.drop()
    if (link := store.drop()) is not None:
        await link.close()
