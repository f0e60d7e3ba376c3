"""The consumer on any ASGI server: an `AsgiSink` over plain `receive` and `send`."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from realtime.consumers import LiveConsumer, allowed
from realtime.process import process
from realtime.store import Store

SQUARE = "tests.realtime.square.router"


class Server:
    """What an ASGI server does with one socket."""

    def __init__(self, path: str = "/connection/websocket", **headers: str) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outbox: asyncio.Queue[Any] = asyncio.Queue()
        scope = {
            "type": "websocket",
            "path": path,
            "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
            "subprotocols": [],
            "client": ("127.0.0.1", 1),
        }
        consumer = LiveConsumer.as_asgi()
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.ensure_future(
            consumer(scope, self.inbox.get, self.outbox.put)  # type: ignore[arg-type]  # a scope as ASGI has it
        )

    def send(self, *messages: dict[str, Any]) -> None:
        text = "\n".join(map(json.dumps, messages))
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})

    async def next(self) -> Any:
        async with asyncio.timeout(5):
            return await self.outbox.get()

    async def end(self) -> None:
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        async with asyncio.timeout(5):
            await self.task


@pytest.fixture
async def started(live: Store, settings: Settings) -> AsyncIterator[None]:
    settings.SOUK_ROUTER = SQUARE
    here = process()
    here.hub.source.start(here.hub.receive, lambda: None)  # type: ignore[attr-defined]  # a broker
    yield
    process.drop()
    here.hub.close()


async def test_commands_replies_and_pushes_go_through_any_asgi_server(
    started: None,
) -> None:
    server = Server()
    assert (await server.next())["type"] == "websocket.accept"
    server.send(
        {"id": 1, "connect": {}}, {"id": 2, "subscribe": {"channel": "deals:a"}}
    )
    assert json.loads((await server.next())["text"])["connect"]["client"]
    assert json.loads((await server.next())["text"])["id"] == 2
    tell = {"method": "tell.all", "data": {"channel": "deals:a", "first": 5}}
    server.send({"id": 3, "rpc": tell})
    got = [json.loads((await server.next())["text"]) for _ in range(2)]
    assert sorted(got, key=str) == [
        {"id": 3, "rpc": {"data": {"text": "told", "user": None}}},
        {
            "push": {
                "channel": "deals:a",
                "pub": {"data": {"type": "told", "n": 5}, "offset": 1},
            }
        },
    ]
    await server.end()


async def test_its_close_carries_code_and_reason(started: None) -> None:
    server = Server()
    await server.next()
    server.send({"id": 1, "rpc": {"method": "whisper.say"}})
    closed = await server.next()
    assert closed == {
        "type": "websocket.close",
        "code": 3501,
        "reason": "bad request",
    }
    await server.end()


async def test_another_path_or_a_foreign_origin_is_closed_before_accept(
    started: None,
) -> None:
    for server in (
        Server("/other"),
        Server(origin="https://evil.example", host="souk.example"),
    ):
        assert (await server.next())["type"] == "websocket.close"
        await server.task


def test_an_origin_is_one_that_was_named_or_the_host_itself(
    settings: Settings,
) -> None:
    settings.ALLOWED_HOSTS = ["souk.example"]
    own = {b"host": b"souk.example", b"origin": b"https://souk.example"}
    rebound = {b"host": b"evil.example", b"origin": b"https://evil.example"}
    assert not allowed(rebound)
    foreign = {**own, b"origin": b"https://evil.example"}
    null = {**own, b"origin": b"null"}
    assert allowed(own) and allowed({b"host": b"souk.example"})
    assert not allowed(foreign) and not allowed(null)
    settings.SOUK_ORIGINS = ["https://evil.example"]
    assert allowed(foreign) and not allowed(own)
