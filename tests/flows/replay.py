"""Frames as a page shows them, sent to a server and compared with what it answers.

A line is `→` what a client sends, `←` what it gets, `×` a close frame. `{…}` and `[…]`
stand for any object and list. A text that ends with `…` stands for another one, the
same each time it is written: once learned from an answer it is sent.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from realtime.testing import PATH, WAIT_SECONDS

MOMENTS = ("now", "at", "offset_ms", "ttl")
"""Numbers that differ each time."""

Cause = Callable[[], Awaitable[None]]


def blocks(page: str) -> Iterator[list[tuple[str, str]]]:
    """The fenced blocks of frames, each as (arrow, text)."""
    for block in re.findall(r"^```\n(.*?)^```$", page, re.M | re.S):
        lines = [(line[0], line[2:]) for line in block.splitlines()]
        if all(arrow in "→←×" for arrow, _ in lines):
            yield lines


def read(text: str) -> Any:
    return json.loads(text.replace("{…}", '{"…":1}').replace("[…]", '["…"]'))


class Replay:
    """One client. `known`: placeholder → what it stands for."""

    def __init__(self, url: str, known: dict[str, str]) -> None:
        self._address = url.replace("http", "ws", 1) + PATH
        self.known = known
        self._socket: ClientConnection | None = None
        self._got: list[Any] = []

    async def play(
        self, block: list[tuple[str, str]], causes: Mapping[str, Cause]
    ) -> None:
        """Send what is sent, and find each answer; `causes` make pushes happen."""
        outgoing: list[str] = []
        for arrow, text in block:
            if arrow == "→":
                outgoing.append(text)
                continue
            await self._send(outgoing)
            outgoing = []
            if arrow == "×":
                await self._closed(text)
                continue
            shown = read(text)
            for key, cause in causes.items():
                if key in text:
                    await cause()
            await self._find(shown)
        assert not outgoing

    async def _send(self, texts: list[str]) -> None:
        if not texts:
            return
        messages = [self._filled(read(text)) for text in texts]
        if self._socket is None or "connect" in messages[0]:
            await self.close()
            self._socket = await connect(self._address, proxy=None, ping_interval=None)
            self._got.clear()
        await self._socket.send("\n".join(map(json.dumps, messages)))

    def _filled(self, value: Any) -> Any:
        """With what the placeholders stand for."""
        if isinstance(value, dict):
            return {name: self._filled(part) for name, part in value.items()}
        if isinstance(value, str) and value.endswith("…"):
            return self.known[value]
        return value

    async def _find(self, shown: Any) -> None:
        """Receive until a message is as shown."""
        while True:
            for message in self._got:
                if self._same(shown, message, learn=False):
                    self._same(shown, message, learn=True)
                    self._got.remove(message)
                    return
            try:
                await self._receive()
            except (TimeoutError, ConnectionClosed):
                raise AssertionError(f"{shown} is not among {self._got}") from None

    async def _receive(self) -> None:
        assert self._socket is not None
        async with asyncio.timeout(WAIT_SECONDS):
            frame = await self._socket.recv()
        assert isinstance(frame, str)
        self._got += map(json.loads, frame.split("\n"))

    async def _closed(self, text: str) -> None:
        assert self._socket is not None
        try:
            while True:
                await self._receive()
        except ConnectionClosed:
            pass
        said = f"{self._socket.close_code} {self._socket.close_reason}"
        assert said == text
        assert not [m for m in self._got if "error" in m or "disconnect" in str(m)]
        self._socket = None

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    def _same(self, shown: Any, got: Any, *, learn: bool, name: str = "") -> bool:
        if isinstance(shown, dict) and isinstance(got, dict):
            if "…" in shown:
                return True
            return shown.keys() == got.keys() and all(
                self._same(shown[k], got[k], learn=learn, name=k) for k in shown
            )
        if isinstance(shown, list) and isinstance(got, list):
            return shown == ["…"] or (
                len(shown) == len(got)
                and all(
                    self._same(s, g, learn=learn)
                    for s, g in zip(shown, got, strict=True)
                )
            )
        if isinstance(shown, str) and shown.endswith("…") and isinstance(got, str):
            if learn:
                self.known.setdefault(shown, got)
            return self.known.get(shown, got) == got
        if name in MOMENTS:
            return isinstance(got, int)
        return type(shown) is type(got) and bool(shown == got)
