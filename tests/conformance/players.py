"""Who plays the scenario: stock SDKs and WebSocket libraries, each unmodified.

They read MessagePack with `msgpack` (Python) and `@msgpack/msgpack` (Node); the server
writes it with `msgspec`.
"""

import asyncio
import gc
import itertools
import json
import subprocess
import warnings
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import centrifuge
import picows.websockets
import picows.websockets.asyncio.client
import picows.websockets.exceptions
import websockets
from playwright.async_api import Browser, Page, async_playwright

from realtime.testing import PATH, Refused
from tests.browser.conftest import CHROMIUM, FLAGS, ROOT
from tests.conformance.raw import Raw
from tests.conformance.stage import Diary, Facts, Player

HERE = ROOT / "tests" / "conformance"


_Handler: Any = centrifuge.ClientEventHandler
_Listener: Any = centrifuge.SubscriptionEventHandler


class Python(_Handler, _Listener):  # type: ignore[misc] # the SDK is untyped
    """centrifuge-python, with a handler a channel: not all events name theirs."""

    def __init__(self, url: str, diary: Diary, channel: str = "") -> None:
        self._url = url
        self._diary = diary
        self._channel = channel
        self._tokens: list[str] = []

    async def open(self) -> None:
        """It runs in ourselves."""

    async def call(self, verb: str, **what: Any) -> Facts:
        answer: Facts = await getattr(self, verb)(**what) or {}
        return answer

    async def connect(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._client = centrifuge.Client(
            self._url,
            events=self,
            get_token=self._next,
            min_reconnect_delay=0.005,
            max_reconnect_delay=0.1,
        )
        await self._client.connect()

    async def _next(self) -> str:
        self._diary.note(event="token")
        return self._tokens.pop(0)

    async def subscribe(self, channel: str) -> None:
        handler = Python(self._url, self._diary, channel)
        subscription = self._client.new_subscription(
            channel, events=handler, min_resubscribe_delay=0.005
        )
        await subscription.subscribe()

    async def rpc(self, method: str, data: Facts) -> Facts:
        return {"data": (await _asked(self._client.rpc(method, data))).data}

    async def history(self, channel: str, since: Any = None, **wish: Any) -> Facts:
        if since is not None:
            since = centrifuge.StreamPosition(**since)
        told = await _asked(self._client.history(channel, since=since, **wish))
        seen = [{"data": p.data, "offset": p.offset} for p in told.publications]
        return {"publications": seen, "epoch": told.epoch, "offset": told.offset}

    async def presence_stats(self, channel: str) -> Facts:
        told = await _asked(self._client.presence_stats(channel))
        return {"num_clients": told.num_clients, "num_users": told.num_users}

    async def close(self) -> None:
        last = self._client._conn
        await self._client.disconnect()
        if last is not None:
            await last.wait_closed()
        # Told to stay away, the SDK drops its transport without closing it.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            await asyncio.sleep(0)
            gc.collect()

    async def on_connected(self, ctx: Any) -> None:
        self._diary.note(event="connected", data=ctx.data)

    async def on_disconnected(self, ctx: Any) -> None:
        self._diary.note(event="disconnected", code=ctx.code, reason=ctx.reason)

    async def on_subscribed(self, ctx: Any) -> None:
        self._diary.note(
            event="subscribed",
            channel=ctx.channel,
            was_recovering=ctx.was_recovering,
            recovered=ctx.recovered,
            data=ctx.data,
        )

    async def on_unsubscribed(self, ctx: Any) -> None:
        channel = getattr(ctx, "channel", self._channel)
        code = getattr(ctx, "code", 0)
        self._diary.note(event="unsubscribed", channel=channel, code=code)

    async def on_publication(self, ctx: Any) -> None:
        channel = getattr(ctx, "channel", self._channel)
        told = {"data": ctx.pub.data, "offset": ctx.pub.offset}
        self._diary.note(event="publication", channel=channel, **told)


async def _asked(answer: Awaitable[Any]) -> Any:
    try:
        return await answer
    except centrifuge.exceptions.ReplyError as error:
        raise Refused(error.code, error.message, error.temporary) from None


class Node:
    """play.mjs in a process of its own."""

    def __init__(self, kind: str, url: str, diary: Diary) -> None:
        self._asks = [kind, url]
        self._diary = diary
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Facts]] = {}

    async def open(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            "node",
            str(HERE / "play.mjs"),
            *self._asks,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read())

    async def call(self, verb: str, **what: Any) -> Facts:
        id_ = next(self._ids)
        self._answers[id_] = asyncio.Future()
        line = json.dumps({"id": id_, "verb": verb, "what": what})
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        return await self._answers[id_]

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            told = json.loads(line)
            if "event" in told:
                self._diary.note(**told)
            elif "refused" in told:
                error = Refused(*told["refused"])
                self._answers[told["id"]].set_exception(error)
            else:
                self._answers[told["id"]].set_result(told["result"])

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reading


class Chromium:
    """centrifuge-js in a page of our own origin."""

    def __init__(self, url: str, diary: Diary) -> None:
        self._url = url
        self._diary = diary

    async def call(self, verb: str, **what: Any) -> Facts:
        answer = await self._page.evaluate(CALL, [verb, what])
        if "refused" in answer:
            raise Refused(*answer["refused"])
        told: Facts = answer["result"] or {}
        return told

    async def open(self) -> None:
        self._playwright = await async_playwright().start()
        self._browser: Browser = await self._playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS
        )
        self._page: Page = await self._browser.new_page(bypass_csp=True)
        await self._page.expose_function("told", lambda e: self._diary.note(**e))
        await self._page.goto(self._url.replace("ws", "http", 1) + "/none")
        await self._page.add_script_tag(content=await asyncio.to_thread(bundle))
        await self._page.evaluate(
            "(url) => { window.player = stock.player(url, window.told) }", self._url
        )

    async def close(self) -> None:
        await self._browser.close()
        await self._playwright.stop()


CALL = """([verb, what]) => player[verb](what).then(
  (result) => ({ result }),
  ({ code, message, temporary = false }) => ({ refused: [code, message, temporary] }),
)"""


def bundle() -> str:
    """stock.mjs and the SDK in one script, as `stock`."""
    command = [
        str(ROOT / "node_modules" / ".bin" / "esbuild"),
        str(HERE / "stock.mjs"),
        "--bundle",
        "--format=iife",
        "--global-name=stock",
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


_websockets = (websockets.connect, websockets.ConnectionClosed)
_picows = (
    picows.websockets.asyncio.client.connect,
    picows.websockets.exceptions.ConnectionClosed,
)


def _raw(library: tuple[Any, Any], packed: bool, url: str, diary: Diary) -> Player:
    return Raw(url, diary, *library, packed=packed)


TROUPES: dict[str, dict[str, Callable[[str, Diary], Player]]] = {
    "python": {
        "centrifuge-python": Python,
        "websockets-json": partial(_raw, _websockets, False),
        "websockets-msgpack": partial(_raw, _websockets, True),
        "picows-json": partial(_raw, _picows, False),
        "picows-msgpack": partial(_raw, _picows, True),
    },
    "node": {
        "centrifuge-js": partial(Node, "centrifuge"),
        "ws-json": partial(Node, "json"),
        "ws-msgpack": partial(Node, "msgpack"),
    },
    "chromium": {"centrifuge-js-chromium": Chromium},
}
"""By what they need; those of one troupe play at the same time."""


def address(url: str) -> str:
    return url.replace("http", "ws", 1) + PATH
