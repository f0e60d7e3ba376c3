"""Unmodified centrifuge-python: connect, subscribe, rpc, lost and recovered."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest
from centrifuge import (
    CentrifugeError,
    Client,
    ClientEventHandler,
    SubscriptionEventHandler,
)

from realtime import disconnect, publish
from realtime.tokens import issue_ticket
from tests.live import Connect, Server
from tests.realtime.square import Told

pytestmark = pytest.mark.django_db(transaction=True)

WAIT_SECONDS = 10.0


class Diary(ClientEventHandler, SubscriptionEventHandler):  # type: ignore[misc] # untyped
    """Everything the SDK tells, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self._news = asyncio.Condition()
        self._read = 0

    async def _note(self, event: str, context: Any) -> None:
        async with self._news:
            self.told.append((event, context))
            self._news.notify_all()

    async def next(self, event: str) -> Any:
        """The next one of its kind that was not looked at."""
        async with asyncio.timeout(WAIT_SECONDS), self._news:
            while True:
                while self._read < len(self.told):
                    kind, context = self.told[self._read]
                    self._read += 1
                    if kind == event:
                        return context
                await self._news.wait()

    def of(self, event: str) -> list[Any]:
        return [context for kind, context in self.told if kind == event]

    async def on_connected(self, ctx: Any) -> None:
        await self._note("connected", ctx)

    async def on_disconnected(self, ctx: Any) -> None:
        await self._note("disconnected", ctx)

    async def on_subscribed(self, ctx: Any) -> None:
        server_side = hasattr(ctx, "channel") and ctx.channel.startswith("#")
        await self._note("personal" if server_side else "subscribed", ctx)

    async def on_publication(self, ctx: Any) -> None:
        kind = "server publication" if hasattr(ctx, "channel") else "publication"
        await self._note(kind, ctx)


class Visitor:
    def __init__(self, client: Any, diary: Diary) -> None:
        self.client = client
        self.diary = diary

    def cut(self) -> None:
        self.client._conn.transport.abort()


@pytest.fixture
async def visitor(visit: Connect, square: Server) -> AsyncIterator[Visitor]:
    """Signed in as user 19, subscribed to `deals:py`."""
    diary = Diary()

    async def token() -> str:
        return await issue_ticket(19)

    client = Client(
        square.url.replace("http", "ws") + "/connection/websocket",
        events=diary,
        get_token=token,
        min_reconnect_delay=0.02,
        max_reconnect_delay=0.2,
    )
    await client.connect()
    subscription = client.new_subscription("deals:py", events=diary)
    await subscription.subscribe()
    await diary.next("subscribed")
    yield Visitor(client, diary)
    last = client._conn
    await client.disconnect()
    if last is not None:
        await last.wait_closed()


async def test_it_connects_subscribes_and_calls(visitor: Visitor) -> None:
    reply = await visitor.client.rpc("echo.say", {"key": "k", "text": "hello"})
    assert reply.data == {"text": "hello", "user": 19}
    with pytest.raises(CentrifugeError) as refused:
        await visitor.client.rpc("refuse.me", {})
    assert "closed_today" in str(refused.value)
    subscription = visitor.client.get_subscription("deals:py")
    stats = await subscription.presence_stats()
    assert stats.num_clients >= 0
    assert (await subscription.history(limit=1)).epoch


async def test_cut_off_ten_times_it_misses_nothing_and_repeats_nothing(
    visitor: Visitor,
) -> None:
    n = 0
    for _ in range(10):
        await publish("deals:py", Told(n=n))
        visitor.cut()
        await publish("deals:py", Told(n=n + 1))
        n += 2
        assert (await visitor.diary.next("subscribed")).recovered
    await publish("deals:py", Told(n=n))
    while len(visitor.diary.of("publication")) <= n:
        await visitor.diary.next("publication")
    told = visitor.diary.of("publication")
    assert [context.pub.data["n"] for context in told] == list(range(n + 1))


async def test_signed_out_it_stays_away(visitor: Visitor) -> None:
    await disconnect(19, 4501)
    gone = await visitor.diary.next("disconnected")
    assert (gone.code, gone.reason) == (4501, "signed out")
    # Told to stay away, the SDK drops its transport without closing it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        await asyncio.sleep(0)
        gc.collect()
