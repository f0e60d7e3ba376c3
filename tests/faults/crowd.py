"""Viewers by the thousand: each one socket that comes, reads, and comes back.

A fifth of what `LiveClient` costs. Each keeps what it was told, and from where on it
would have to be told again; a hole it was told about is noted, never filled by guess.
"""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from realtime.testing import PATH
from realtime.tokens import Holder, issue_resume
from tests.realtime.raw import REQUEST, frame_head

COME_SECONDS = TOLD_SECONDS = 60.0
CUT = 1006


class Viewer:
    """User `user` on `channels`; `user` 0 is a stranger.

    `buffer`: what the kernel may hold unread for us, the least it allows being some
    KiB.
    """

    def __init__(self, url: str, user: int, *channels: str, buffer: int = 0) -> None:
        self.url = url
        """Where it goes the next time."""
        self._buffer = buffer
        self.awake = asyncio.Event()
        """Cleared, it reads no more."""
        self.awake.set()
        self.token = issue_resume(Holder(user, 0)) if user else ""
        self.channels = channels
        self.told: dict[str, list[int]] = {channel: [] for channel in channels}
        self._position: dict[str, tuple[str, int]] = {}
        self.strays: list[str] = []
        """Channels it heard of and is not on."""
        self.pings = 0
        self.skipped = 0
        """Publications it was told that it was not told."""
        self.state: dict[str, Any] = {}
        self.gaps: list[str] = []
        """Channels told not to be recovered."""
        self.bids: list[dict[str, Any]] = []
        """What it was told when the server ended it."""
        self.code = 0
        """How the last connection was closed; 1006: without a word."""
        self.ended_at = 0.0
        self._replies: dict[int, tuple[str, asyncio.Future[dict[str, Any]]]] = {}
        self._ids = 0
        self._reading: asyncio.Task[None] | None = None

    async def come(self) -> None:
        """Connect, or come back; returns when all channels are live."""
        self.leave()
        async with asyncio.timeout(COME_SECONDS):
            await self._upgrade()
            asks = [("connect", {"token": self.token}), *map(self._wish, self.channels)]
            waits = [self.ask(name, body) for name, body in asks]
            first, *_ = await asyncio.gather(*waits)
        self.token = first["data"].get("resume", self.token)

    async def come_again(self) -> None:
        """`come`, until somebody lets us in."""
        async with asyncio.timeout(COME_SECONDS):
            while True:
                try:
                    return await self.come()
                except (OSError, EOFError, Refused):
                    await asyncio.sleep(0.05)

    async def _upgrade(self) -> None:
        at = urlsplit(self.url)
        kernel = socket.socket()
        kernel.setblocking(False)
        if self._buffer:
            # Segments as small as the buffer needs, or its window opens by probes.
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer)
            kernel.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(kernel, (at.hostname, at.port))
        except BaseException:
            kernel.close()
            raise
        self._reader, self._writer = await asyncio.open_connection(
            sock=kernel, limit=2048
        )
        request = REQUEST.format(path=PATH, host=at.netloc) + "\r\n"
        self._writer.write(request.encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise Refused(int(head.split()[1]), head.decode())
        self.code = 0
        self._reading = asyncio.create_task(self._read())

    def _wish(self, channel: str) -> tuple[str, dict[str, Any]]:
        body: dict[str, Any] = {"channel": channel}
        if channel in self._position:
            epoch, offset = self._position[channel]
            body |= {"recover": True, "epoch": epoch, "offset": offset}
        return "subscribe", body

    def ask(self, name: str, body: dict[str, Any]) -> "asyncio.Future[dict[str, Any]]":
        """Send a command; its result, or `Refused`."""
        if self._reading is None or self._reading.done():
            raise Refused(self.code or CUT, "closed")
        self._ids += 1
        made = asyncio.get_running_loop().create_future()
        self._replies[self._ids] = body.get("channel", ""), made
        self.say({"id": self._ids, name: body})
        return made

    def rpc(self, method: str, **data: Any) -> "asyncio.Future[dict[str, Any]]":
        return self.ask("rpc", {"method": method, "data": data})

    def say(self, message: dict[str, Any]) -> None:
        payload = json.dumps(message).encode()
        self._writer.write(frame_head(0x81, len(payload)) + payload)

    def leave(self) -> None:
        """Go without a word."""
        if self._reading is not None:
            self._writer.transport.abort()
            self._reading.cancel()
            self._reading = None

    async def reply(self, method: str, **data: Any) -> Any:
        """What a method answers; raises `Refused`."""
        return (await self.rpc(method, **data))["data"]

    async def over(self) -> int:
        """How the server ended it."""
        if self._reading is not None:
            await asyncio.wait({self._reading})
        return self.code

    async def _read(self) -> None:
        try:
            while True:
                for message in await self._frame():
                    self._take(message)
                await self.awake.wait()
        except (OSError, EOFError, Closing):
            self.code = self.code or CUT
        self._writer.transport.abort()
        self.ended_at = asyncio.get_running_loop().time()
        for _, reply in self._replies.values():
            if not reply.done():
                reply.set_exception(Refused(self.code, "closed"))
                reply.exception()
        self._replies.clear()

    async def _frame(self) -> Iterator[dict[str, Any]]:
        first, size = await self._reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await self._reader.readexactly(2))
        elif size == 127:
            size = int.from_bytes(await self._reader.readexactly(8))
        payload = await self._reader.readexactly(size)
        if first & 0x0F == 8:
            self.code = int.from_bytes(payload[:2])
            raise Closing
        return map(json.loads, payload.decode().split("\n"))

    def _take(self, message: dict[str, Any]) -> None:
        if not message:
            self.pings += 1
            self.say({})
        elif "id" in message:
            self._answered(message)
        elif "pub" in (push := message["push"]):
            self._hear(push["channel"], push["pub"])
        elif "disconnect" in push:
            self.bids.append(push["disconnect"])

    def _answered(self, message: dict[str, Any]) -> None:
        channel, reply = self._replies.pop(message["id"])
        if error := message.get("error"):
            reply.set_exception(Refused(error["code"], error["message"]))
            reply.exception()
            return
        if "subscribe" in message:
            self._subscribed(channel, message["subscribe"])
        ((_, result),) = ((k, v) for k, v in message.items() if k != "id")
        reply.set_result(result)

    def _subscribed(self, channel: str, reply: dict[str, Any]) -> None:
        if reply.get("was_recovering") and not reply.get("recovered"):
            self.gaps.append(channel)
        for publication in reply.get("publications", []):
            self._hear(channel, publication)
        if "epoch" in reply:
            self._position[channel] = reply["epoch"], reply.get("offset", 0)

    def _hear(self, channel: str, publication: dict[str, Any]) -> None:
        if channel not in self.told:
            if not channel.startswith("#"):
                self.strays.append(channel)
            return
        data = publication["data"]
        if data.get("type") == "lane.skipped":
            self.skipped += data["count"]
        elif "n" in data:
            self.told[channel].append(data["n"])
        else:
            self.state |= data  # of a `state:` channel: key → value
        if offset := publication.get("offset"):
            epoch, _ = self._position.get(channel, ("", 0))
            self._position[channel] = epoch, offset


async def told(viewers: Sequence[Viewer], channel: str, count: int) -> None:
    """Until each has been told so many; 60 s at most."""
    async with asyncio.timeout(TOLD_SECONDS):
        while any(len(viewer.told[channel]) < count for viewer in viewers):
            await asyncio.sleep(0.01)


class Refused(Exception):
    """An error instead of a reply, the end before one, or no 101."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(code, why)
        self.code = code


class Closing(Exception):
    """The server's close frame."""


Visit = Callable[..., Viewer]
"""`visit(url, user, *channels)`: a viewer who has left when the test is over."""
