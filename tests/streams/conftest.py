"""People and streams, and an ingest brought to where a test needs it."""

from collections.abc import Callable

import pytest

from accounts.models import User
from streams.actions import ingests, lifecycle, nodes
from streams.actions.ingests import Publisher
from streams.models import Ingest, Stream

NODE = "n1"


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
