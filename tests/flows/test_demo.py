"""`souk start` with the demo: the evening a newcomer sees after `make run`."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from socket import SOCK_DGRAM

import pytest

from realtime.testing import LiveClient
from tests.live import free_port

pytestmark = pytest.mark.usefixtures("namespace")
START_SECONDS = 90.0


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A demo of its own; stopped as by Ctrl-C, and nothing may be left."""
    port, media = free_port(), free_port(SOCK_DGRAM)
    address = f"http://127.0.0.1:{port}"
    env = {
        **{k: v for k, v in os.environ.items() if not k.endswith("_URL")},
        "SOUK_DEBUG": "1",
        "SOUK_DEMO": "1",
        "SOUK_DATA": str(tmp_path),
        "SOUK_PORT": str(port),
        "SOUK_URL": address,
        "SOUK_MEDIA_PORT": str(media),
        "SOUK_MEDIA_ADDRESSES": "127.0.0.1",
    }
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.cli", "start"],
            env=env,
            stdout=out,
            stderr=out,
        )
    yield address
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0, log.read_text()


async def enter(url: str) -> LiveClient:
    """A stranger's connection, once the server is up."""
    client = LiveClient(url)
    while True:
        try:
            await client.open()
        except OSError:
            await asyncio.sleep(0.2)
            continue
        await client.connect()
        return client


async def live_stream(client: LiveClient) -> int:
    while True:
        rooms = (await client.rpc("stream.list", {"kind": "live"}))["items"]
        if rooms:
            return int(rooms[0]["stream"])
        await asyncio.sleep(0.2)


async def test_a_newcomer_finds_a_live_room_with_a_full_shelf_and_a_talking_crowd(
    url: str,
) -> None:
    async with asyncio.timeout(START_SECONDS):
        client = await enter(url)
        stream = await live_stream(client)
        shelf = await client.rpc("shelf.get", {"stream": stream})
        assert [item["number"] for item in shelf["items"]] == [1, 2, 3]
        assert all(item["offers"][0]["left"] > 0 for item in shelf["items"])
        await client.subscribe(f"deals:{stream}")
        recent = (await client.subscribe(f"comments:{stream}"))["data"]["recent"]
        while not recent:
            await asyncio.sleep(0.5)
            recent = (await client.rpc("comment.list", {"stream": stream}))["items"]
        while not shelf["explaining"]:
            await asyncio.sleep(0.5)
            shelf = await client.rpc("shelf.get", {"stream": stream})
    await client.close()
