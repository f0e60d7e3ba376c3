"""A client for tests, written against the wire alone.

It uses `websockets` and `msgpack`, not our codecs: what we encode is read by others.
"""

import asyncio
import json
from collections import deque
from collections.abc import Iterable
from typing import Any, Self

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

WAIT_SECONDS = 5.0
PATH = "/connection/websocket"


class Refused(Exception):
    """The server's answer was an error."""

    def __init__(self, code: int, message: str, temporary: bool) -> None:
        super().__init__(code, message)
        self.code = code
        self.name, _, facts = message.partition(" ")
        self.data: dict[str, Any] = json.loads(facts) if facts else {}
        self.temporary = temporary


class Closed(Exception):
    """The server ended the connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class LiveClient:
    """One connection. Every wait ends after 5 s with TimeoutError.

    `async with LiveClient(url) as client: await client.connect(token)`.
    """

    def __init__(
        self,
        url: str,
        *,
        codec: str = "json",
        origin: str | None = None,
        compression: str | None = "deflate",
    ) -> None:
        self.url = url
        self._address = url.replace("http", "ws", 1).rstrip("/") + PATH
        self._packed = codec != "json"
        self._origin = origin
        self._compression = compression
        self._ids = 0
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pushes: deque[dict[str, Any]] = deque()
        self._news = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self.closed: Closed | None = None
        self.hello: dict[str, Any] = {}
        """The connect reply."""
        self.pings = 0

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Open the socket, and read it from now on."""
        self.socket: ClientConnection = await connect(
            self._address,
            subprotocols=[Subprotocol("souk.msgpack.v1")] if self._packed else None,
            origin=self._origin,  # type: ignore[arg-type] # a NewType of str
            compression=self._compression,
            ping_interval=None,
            open_timeout=WAIT_SECONDS,
            proxy=None,
        )
        self._reader = asyncio.create_task(self._read())

    async def connect(
        self,
        token: str = "",
        data: dict[str, Any] | None = None,
        subs: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The connect reply, kept as `hello`; raises `Refused`."""
        body = {"token": token, "data": data or {}, "subs": subs or {}}
        self.hello = await self.command("connect", body)
        return self.hello

    async def rpc(
        self, method: str, data: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """A method's reply; raises `Refused`."""
        body = {"method": method, "data": data or {}}
        reply: dict[str, Any] = (await self.command("rpc", body))["data"]
        return reply

    async def subscribe(self, channel: str, **more: Any) -> dict[str, Any]:
        """`subscribe("deals:1", recover=True, epoch="x", offset=3)`."""
        return await self.command("subscribe", {"channel": channel, **more})

    async def unsubscribe(self, channel: str) -> None:
        await self.command("unsubscribe", {"channel": channel})

    async def command(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Any command's result; raises `Refused` or `Closed`."""
        return await self.answer(await self.ask(name, body))

    async def ask(self, name: str, body: dict[str, Any]) -> int:
        """Send a command without waiting; its id, for `answer`."""
        self._ids += 1
        reply = asyncio.get_running_loop().create_future()
        self._replies[self._ids] = reply
        await self.send([{"id": self._ids, name: body}])
        if self.closed is not None and not reply.done():
            reply.set_exception(self.closed)  # nobody reads any more
            reply.exception()
        return self._ids

    async def answer(self, id_: int) -> dict[str, Any]:
        async with asyncio.timeout(WAIT_SECONDS):
            reply = await self._replies[id_]
        if error := reply.get("error"):
            raise Refused(
                error["code"], error["message"], error.get("temporary", False)
            )
        ((_, result),) = ((k, v) for k, v in reply.items() if k != "id")
        return result  # type: ignore[no-any-return] # read from the wire

    async def send(self, messages: Iterable[dict[str, Any]]) -> None:
        """Messages in one frame."""
        if self._packed:
            packed = b"".join(msgpack.packb(message) for message in messages)
            await self.send_raw(packed)
        else:
            await self.send_raw("\n".join(map(json.dumps, messages)))

    async def send_raw(self, frame: str | bytes) -> None:
        try:
            await self.socket.send(frame)
        except ConnectionClosed:
            await self.wait_closed()

    async def push(
        self, channel: str | None = None, type: str | None = None
    ) -> dict[str, Any]:
        """The next publication's data, of this channel and type; others are kept."""
        found = await self.publication(channel, type)
        data: dict[str, Any] = found["pub"]["data"]
        return data

    async def publication(
        self, channel: str | None = None, type: str | None = None
    ) -> dict[str, Any]:
        """As `push`, the whole push: channel, pub with its offset."""

        def wanted(push: dict[str, Any]) -> bool:
            if "pub" not in push or channel not in (None, push["channel"]):
                return False
            return type is None or push["pub"]["data"].get("type") == type

        return await self._next(wanted)

    async def news(self) -> dict[str, Any]:
        """The next push, whatever it is."""
        return await self._next(lambda _: True)

    async def control(self, kind: str) -> dict[str, Any]:
        """The next `unsubscribe` or `disconnect` push."""
        return await self._next(lambda push: kind in push)

    def waiting(self, channel: str) -> list[dict[str, Any]]:
        """Publications of a channel that have come and were not taken."""
        return [p for p in self._pushes if p.get("channel") == channel and "pub" in p]

    async def wait_closed(self) -> Closed:
        """How the server ended it."""
        if self._reader is not None:
            async with asyncio.timeout(WAIT_SECONDS):
                await asyncio.wait({self._reader})
        if self.closed is None:
            raise ConnectionError("closed by ourselves")
        return self.closed

    async def close(self) -> None:
        await self.socket.close()
        if self._reader is not None:
            await asyncio.wait({self._reader})

    def cut(self) -> None:
        """Lose the socket without a word."""
        self.socket.transport.abort()

    async def _next(self, wanted: Any) -> dict[str, Any]:
        async with asyncio.timeout(WAIT_SECONDS), self._news:
            while True:
                for push in self._pushes:
                    if wanted(push):
                        self._pushes.remove(push)
                        return push
                if self.closed is not None:
                    raise self.closed
                await self._news.wait()

    async def _read(self) -> None:
        try:
            async for frame in self.socket:
                for message in self._decode(frame):
                    await self._take(message)
        except ConnectionClosed:
            pass
        code = self.socket.close_code or 1006
        self.closed = Closed(code, self.socket.close_reason or "")
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(self.closed)
                reply.exception()
        async with self._news:
            self._news.notify_all()

    def _decode(self, frame: str | bytes) -> list[dict[str, Any]]:
        if isinstance(frame, str):
            return [json.loads(line) for line in frame.split("\n")]
        unpacker = msgpack.Unpacker()
        unpacker.feed(frame)
        return list(unpacker)

    async def _take(self, message: dict[str, Any]) -> None:
        if not message:
            self.pings += 1
            await self.send([{}])
        elif "push" in message:
            async with self._news:
                self._pushes.append(message["push"])
                self._news.notify_all()
        elif not (reply := self._replies[message["id"]]).done():
            reply.set_result(message)
