"""Servers to break, and viewers of them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from realtime.embedded import Embedded
from tests.faults import ROOMS
from tests.faults.crowd import Viewer, Visit
from tests.live import Server


@pytest.fixture(scope="session")
def rooms(
    site_store: Embedded,
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A server of the rooms here, for faults that it outlives."""
    made = Server(tmp_path_factory.mktemp("rooms"), site_store.url, **ROOMS)
    yield made
    if made.is_running:
        assert made.stop() == 0, made.log.read_text()


@pytest.fixture
async def visit() -> AsyncIterator[Visit]:
    made: list[Viewer] = []

    def visit(url: str, user: int, *channels: str, **more: Any) -> Viewer:
        made.append(Viewer(url, user, *channels, **more))
        return made[-1]

    yield visit
    for viewer in made:
        viewer.leave()
    await asyncio.sleep(0)  # the transports hear of it
