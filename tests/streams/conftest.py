"""People and streams, and an ingest brought to where a test needs it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from django.db.models.functions import Now
from pytest_django.fixtures import Settings

from accounts.models import User
from realtime import db as in_database_thread
from realtime.embedded import Embedded
from realtime.store import store
from streams.actions import ingests, keys, lifecycle, nodes
from streams.actions.ingests import Publisher
from streams.commands.keys import CreateKey
from streams.models import Ingest, MediaNode, Stream
from tests.live import Server
from tests.streams.live import MediaProcess

NODE = "n1"
OFFERS = Path(__file__).parent / "media" / "offers"

Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def host(db: None) -> User:
    return User.objects.create_user("host", name="Host")


@pytest.fixture
def friend(db: None) -> User:
    return User.objects.create_user("friend", name="Friend")


@pytest.fixture
def stream(host: User) -> Stream:
    return Stream.objects.create(host=host, title="Tea")


@pytest.fixture
def node(db: None) -> str:
    nodes.register(NODE, "boot", 8443, ["127.0.0.1"])
    return NODE


@pytest.fixture
def connect_ingest(node: str) -> Callable[[Stream], Ingest]:
    """A new generation that has shown nothing yet."""

    def connect(stream: Stream) -> Ingest:
        publisher = Publisher(stream.host_id, None, stream.pk)
        opening = ingests.open_ingest(publisher, stream.pk, "a test")
        ingests.accepted(opening)
        return Ingest.objects.get(pk=opening.ingest)

    return connect


@pytest.fixture
def show(connect_ingest: Callable[[Stream], Ingest]) -> Callable[[Stream], Ingest]:
    """A new generation with a picture."""

    def started(stream: Stream, video: str = "H264") -> Ingest:
        ingest = connect_ingest(stream)
        assert lifecycle.ingest_started(ingest.pk, video, "opus")
        stream.refresh_from_db()
        ingest.refresh_from_db()
        return ingest

    return started


@pytest.fixture
def live(stream: Stream, show: Callable[[Stream], Ingest]) -> Stream:
    show(stream)
    return lifecycle.go_live(stream.pk)


@pytest.fixture(scope="session")
def media_process(
    site_store: Embedded,
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[MediaProcess]:
    """The session's media process."""
    made = MediaProcess(tmp_path_factory.mktemp("media"), site_store.url)
    yield made
    if made.is_running:
        assert made.stop() == 0, made.log.read_text()


@pytest.fixture
async def link(site_store: Embedded, settings: Settings) -> AsyncIterator[None]:
    """This test's own link to the servers' store."""
    settings.REDIS_URL = site_store.url
    yield
    if (held := store.drop()) is not None:
        await held.close()


@pytest.fixture
async def until() -> Until:
    """`await until(fact)`: asks the database again and again, 15 s at most.

    What another process writes rings no bell here.
    """

    async def until(fact: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not await in_database_thread(fact):
                await asyncio.sleep(0.02)

    return until


@pytest.fixture
async def media(
    transactional_db: None, media_process: MediaProcess, until: Until
) -> MediaProcess:
    """The media process, known to this test's emptied database again."""
    if (row := media_process.row) is not None:
        known = {"boot": row.boot, "port": row.port, "seen_at": Now()}
        register = MediaNode.objects.update_or_create
        await in_database_thread(register, name=row.name, defaults=known)
    await until(MediaNode.objects.taking().exists)
    media_process.row = await in_database_thread(MediaNode.objects.get)
    return media_process


addresses = (f"127.1.{n // 250}.{n % 250 + 1}" for n in itertools.count())


@pytest.fixture
async def http(server: Server, media: MediaProcess) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the web server with an address, so with limits, of its own."""
    transport = httpx.AsyncHTTPTransport(local_address=next(addresses))
    async with httpx.AsyncClient(base_url=server.url, transport=transport) as client:
        yield client


@pytest.fixture
def secret(host: User) -> str:
    """A stream key of the host's, good for all their streams."""
    return new_key(host)


def new_key(user: User, stream: Stream | None = None, name: str = "OBS") -> str:
    number = None if stream is None else stream.pk
    command = CreateKey(key=f"k-{name}", name=name, stream=number)
    keys.create_key(user.pk, command)
    return keys.secret_of(user.pk, command)


def offer(name: str) -> str:
    """A stored offer of a real client."""
    return (OFFERS / f"{name}.sdp").read_text()


@pytest.fixture
def lost_node(node: str) -> Callable[[], None]:
    """Lets the node fall silent a minute ago."""

    def lose() -> None:
        old = Now() - timedelta(minutes=1)
        MediaNode.objects.filter(name=node).update(seen_at=old)

    return lose
