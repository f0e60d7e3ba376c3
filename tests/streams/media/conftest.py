"""Real media in a network namespace: an engine, its door, and who uses it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from streams.media.engine import Engine
from tests.streams.media.door import Door, Told
from tests.streams.media.people import Camera, Encoder, Watcher
from tests.streams.media.wire import Recorder


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def engine(namespace: None, told: Told) -> AsyncIterator[Engine]:
    """A started engine on loopback that notes what leaves for viewers."""
    engine = Engine(port=0, addresses=["127.0.0.1"], facts=told)
    engine.fanout = Recorder()
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
async def door(engine: Engine) -> AsyncIterator[Door]:
    door = Door(engine)
    await door.open()
    yield door
    await door.close()


class People:
    """Makes publishers and viewers, and sends them home after the test."""

    def __init__(self, door: Door, stack: AsyncExitStack) -> None:
        self._door = door
        self._stack = stack

    async def encoder(
        self, *, seconds: float = 30, gop: int = 30, active: bool = False
    ) -> Encoder:
        """ffmpeg publishing H264 and Opus to stream 1 through the door."""
        url = self._door.url("/whip/1")
        encoder = Encoder(url, seconds=seconds, gop=gop, active=active)
        await encoder.start()
        self._stack.push_async_callback(encoder.stop)
        return encoder

    async def camera(self, codec: str | None, stream: int = 1) -> Camera:
        """aiortc publishing."""
        camera = Camera(codec)
        self._stack.push_async_callback(camera.stop)
        await camera.publish(self._door, stream)
        return camera

    async def watcher(self, stream: int = 1) -> Watcher:
        """aiortc watching."""
        watcher = Watcher()
        self._stack.push_async_callback(watcher.stop)
        await watcher.play(self._door, stream)
        return watcher


@pytest.fixture
async def people(door: Door) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        yield People(door, stack)
