"""One socket as a load sees it: several commands a frame, their replies, or a cut.

Leaner than `LiveClient`: nothing is read between exchanges and pushes are dropped.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from realtime.testing import PATH
from realtime.tokens import Holder, issue_resume

ANSWER_SECONDS = 8.0
Call = tuple[str, dict[str, Any]]
"""A method and its fields."""


class Cut(Exception):
    """There is no connection."""


class Error(msgspec.Struct, frozen=True):
    code: int
    message: str = ""
    temporary: bool = False

    @property
    def name(self) -> str:
        return self.message.partition(" ")[0]


class Rpc(msgspec.Struct, frozen=True):
    data: msgspec.Raw


class Reply(msgspec.Struct, frozen=True):
    """`rpc.data` stays as it came: answers are compared by their bytes."""

    id: int = 0
    rpc: Rpc | None = None
    error: Error | None = None

    @property
    def is_final(self) -> bool:
        return self.error is None or not self.error.temporary

    def read(self) -> Any:
        """What was answered; an AssertionError if it was refused."""
        assert self.rpc is not None, self.error
        return msgspec.json.decode(self.rpc.data)


_decode = msgspec.json.Decoder(Reply).decode


class Line:
    """A signed-in connection of one user."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = 1
        self.is_cut = False

    @classmethod
    async def open(cls, url: str, user: int) -> "Line":
        """Raises `Cut`."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                socket = await connect(
                    url.replace("http", "ws", 1) + PATH,
                    compression=None,
                    ping_interval=None,
                    close_timeout=1,
                    proxy=None,
                )
        except (OSError, EOFError, WebSocketException) as error:
            raise Cut from error
        line = cls(socket)
        token = issue_resume(Holder(user, 0))
        got = await line._exchange([{"id": 1, "connect": {"token": token}}])
        if 1 not in got or got[1].error is not None:
            line.abort()
            raise Cut
        return line

    async def ask(self, calls: Sequence[Call]) -> list[Reply | None]:
        """The replies to these, in order; None for those a cut came before."""
        first = self._ids + 1
        self._ids += len(calls)
        got = await self._exchange(
            [
                {"id": first + n, "rpc": {"method": method, "data": data}}
                for n, (method, data) in enumerate(calls)
            ]
        )
        return [got.get(first + n) for n in range(len(calls))]

    async def close(self) -> None:
        with suppress(OSError, WebSocketException):
            await self._socket.close()

    def abort(self) -> None:
        """Leave without a word."""
        self.is_cut = True
        self._socket.transport.abort()

    async def _exchange(self, messages: list[dict[str, Any]]) -> dict[int, Reply]:
        waiting = {message["id"] for message in messages}
        got: dict[int, Reply] = {}
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._socket.send("\n".join(map(json.dumps, messages)))
                while waiting:
                    for text in str(await self._socket.recv()).split("\n"):
                        if text == "{}":
                            await self._socket.send("{}")
                            continue
                        reply = _decode(text)
                        got[reply.id] = reply
                        waiting.discard(reply.id)
        except (OSError, WebSocketException):
            self.abort()
        return got
