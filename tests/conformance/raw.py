"""The protocol by hand on `websockets`, or what has its interface. Its twin is raw.mjs.

Reconnecting and recovering are here; what has happened is told to a diary.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgpack

from realtime.testing import Refused
from tests.conformance.stage import Diary

BACK_SECONDS = 0.005

Then = Callable[[dict[str, Any]], None]


class Raw:
    """`connect` and `closed`: the library's; `packed`: MessagePack instead of JSON."""

    def __init__(
        self,
        url: str,
        diary: Diary,
        connect: Callable[..., Any],
        closed: type[Exception],
        *,
        packed: bool,
    ) -> None:
        self._url = url
        self._diary = diary
        self._connect = connect
        self._lost = (closed, OSError, EOFError)
        self._packed = packed
        self._at: dict[str, dict[str, Any]] = {}
        """Where each channel stands."""
        self._waiting: dict[int, tuple[str, Then, Then]] = {}
        self._ids = 0
        self._tokens: list[str] = []
        self._out: list[dict[str, Any]] = []
        self._more = asyncio.Event()
        self._living: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """It runs in ourselves."""

    async def call(self, verb: str, **what: Any) -> dict[str, Any]:
        if verb == "connect":
            self._tokens = what["tokens"]
            self._next()
            self._living = asyncio.create_task(self._live())
            return {}
        if verb == "subscribe":
            self._subscribe(what["channel"])
            return {}
        answer: asyncio.Future[dict[str, Any]] = asyncio.Future()

        def refuse(error: dict[str, Any]) -> None:
            told = error["code"], error["message"], error.get("temporary", False)
            answer.set_exception(Refused(*told))

        self._ask(verb, what, answer.set_result, refuse)
        return await answer

    async def close(self) -> None:
        if self._living is not None:
            self._living.cancel()
            await asyncio.wait({self._living})

    async def _live(self) -> None:
        while True:
            try:
                await self._visit()
            except self._lost:
                await asyncio.sleep(BACK_SECONDS)
            else:
                return

    async def _visit(self) -> None:
        """One connection, until it is lost or over for good."""
        protocols = ["souk.msgpack.v1"] if self._packed else None
        async with self._connect(
            self._url, subprotocols=protocols, ping_interval=None, proxy=None
        ) as socket:
            self._out.clear()
            self._waiting.clear()
            self._hello()
            writing = asyncio.create_task(self._write(socket))
            try:
                async for frame in socket:
                    for message in self._decode(frame):
                        if self._take(message):
                            return
            finally:
                writing.cancel()
                await asyncio.wait({writing})
        raise EOFError

    async def _write(self, socket: Any) -> None:
        while True:
            while self._out:
                await socket.send(self._encode(self._out.pop(0)))
            self._more.clear()
            await self._more.wait()

    def _encode(self, message: dict[str, Any]) -> str | bytes:
        return bytes(msgpack.packb(message)) if self._packed else json.dumps(message)

    def _decode(self, frame: str | bytes) -> list[dict[str, Any]]:
        if isinstance(frame, str):
            return [json.loads(line) for line in frame.split("\n")]
        unpacker = msgpack.Unpacker()
        unpacker.feed(frame)
        return list(unpacker)

    def _say(self, message: dict[str, Any]) -> None:
        self._out.append(message)
        self._more.set()

    def _ask(self, name: str, body: dict[str, Any], done: Then, refuse: Then) -> None:
        self._ids += 1
        self._waiting[self._ids] = name, done, refuse
        self._say({"id": self._ids, name: body})

    def _next(self) -> str:
        self._diary.note(event="token")
        self._token = self._tokens.pop(0)
        return self._token

    def _hello(self) -> None:
        own = {c: self._position(c) for c in self._at if c.startswith("#")}
        body = {"token": self._token, "subs": own}
        self._ask("connect", body, self._connected, lambda _: None)
        for channel in list(self._at):
            if channel not in own:
                self._subscribe(channel)

    def _connected(self, reply: dict[str, Any]) -> None:
        self._diary.note(event="connected", data=reply["data"])
        for channel, told in reply["subs"].items():
            self._joined(channel, told)
        self._lives(reply)

    def _lives(self, reply: dict[str, Any]) -> None:
        if reply.get("expires"):
            loop = asyncio.get_running_loop()
            loop.call_later(reply["ttl"], self._refresh)

    def _refresh(self) -> None:
        self._ask("refresh", {"token": self._next()}, self._lives, lambda _: None)

    def _position(self, channel: str) -> dict[str, Any]:
        known = self._at.get(channel, {})
        return {"recover": True, **known} if known.get("epoch") else {}

    def _subscribe(self, channel: str) -> None:
        self._ask(
            "subscribe",
            {"channel": channel, **self._position(channel)},
            lambda reply: self._joined(channel, reply),
            lambda error: self._left(channel, error["code"]),
        )

    def _joined(self, channel: str, reply: dict[str, Any]) -> None:
        self._diary.note(
            event="subscribed",
            channel=channel,
            was_recovering=reply.get("was_recovering", False),
            recovered=reply.get("recovered", False),
            data=reply.get("data"),
        )
        self._at[channel] = {
            "epoch": reply.get("epoch"),
            "offset": reply.get("offset", 0),
        }
        for publication in reply.get("publications", []):
            self._hear(channel, publication)

    def _left(self, channel: str, code: int) -> None:
        self._at.pop(channel, None)
        self._diary.note(event="unsubscribed", channel=channel, code=code)

    def _hear(self, channel: str, publication: dict[str, Any]) -> None:
        self._diary.note(event="publication", channel=channel, **publication)
        if offset := publication.get("offset"):
            self._at[channel]["offset"] = offset

    def _take(self, message: dict[str, Any]) -> bool:
        """Whether that was the last of all."""
        if not message:
            self._say({})
        elif "push" not in message:
            name, done, refuse = self._waiting.pop(message["id"])
            if error := message.get("error"):
                refuse(error)
            else:
                done(message[name])
        else:
            return self._pushed(message["push"])
        return False

    def _pushed(self, push: dict[str, Any]) -> bool:
        if "pub" in push:
            self._hear(push["channel"], push["pub"])
        if "unsubscribe" in push:
            code = push["unsubscribe"]["code"]
            again = code >= 2500
            self._subscribe(push["channel"]) if again else self._left(
                push["channel"], code
            )
        if (told := push.get("disconnect")) and not told["reconnect"]:
            self._diary.note(event="disconnected", **told)
            return True
        return False
