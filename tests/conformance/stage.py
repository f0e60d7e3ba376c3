"""What the scenario is played on: a wire that can be cut, and a player's diary."""

import asyncio
from typing import Any, Protocol

from tests.realtime.raw import WAIT_SECONDS

Facts = dict[str, Any]


class Player(Protocol):
    """A client of any make: told a verb it does it, by itself it comes back."""

    async def open(self) -> None:
        """Start what it runs in; the first token will not live long."""
        ...

    async def call(self, verb: str, **what: Any) -> Facts:
        """The answer; raises `Refused`."""
        ...

    async def close(self) -> None: ...


class Diary:
    """Everything that happens to a player, in order."""

    def __init__(self) -> None:
        self.told: list[Facts] = []
        self._news = asyncio.Event()

    def note(self, **event: Any) -> None:
        self.told.append(event)
        self._news.set()

    def of(self, facts: Facts, since: int = 0) -> list[Facts]:
        return [event for event in self.told[since:] if holds(event, facts)]

    async def has(self, facts: Facts, count: int = 1, since: int = 0) -> None:
        """Wait until so many such events came after the first `since` of all."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while len(self.of(facts, since)) < count:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {count} × {facts}: {self.told[since:]}") from None


def holds(told: Any, facts: Any) -> bool:
    """Whether something says this, and perhaps more."""
    if isinstance(facts, dict):
        return isinstance(told, dict) and all(
            key in told and holds(told[key], value) for key, value in facts.items()
        )
    if isinstance(facts, list):
        return (
            isinstance(told, list)
            and len(told) == len(facts)
            and all(map(holds, told, facts))
        )
    return bool(told == facts)


class Wire:
    """A port that leads to a server, until it is cut for those who are on it.

    `seen` is all that came down.
    """

    def __init__(self, host: str, port: int) -> None:
        self._to = host, port
        self.seen = b""
        self.ends: set[_End] = set()

    async def open(self) -> str:
        """The address."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Near(self), "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    async def lead_on(self, near: "_Near") -> None:
        loop = asyncio.get_running_loop()
        _, far = await loop.create_connection(lambda: _Far(self, near), *self._to)
        near.meet(far)

    def cut(self) -> None:
        """Every connection is lost without a word, on both sides."""
        for end in list(self.ends):
            end.transport.abort()

    async def close(self) -> None:
        self._server.close()
        self.cut()
        while self.ends:
            await asyncio.sleep(0)
        await self._server.wait_closed()


class _End(asyncio.Protocol):
    """One side of a connection through the wire."""

    transport: asyncio.Transport

    def __init__(self, wire: Wire, other: "_End | None" = None) -> None:
        self.wire = wire
        self.other = other

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.wire.ends.add(self)

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        self.other.transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        self.wire.ends.discard(self)
        if self.other is not None:
            self.other.transport.close()


class _Near(_End):
    """The player's: read when there is somewhere to lead."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.pause_reading()
        self.leading = asyncio.ensure_future(self.wire.lead_on(self))

    def meet(self, far: _End) -> None:
        self.other = far
        if self.transport.is_closing():
            far.transport.abort()
        else:
            self.transport.resume_reading()


class _Far(_End):
    """The server's."""

    def data_received(self, data: bytes) -> None:
        self.wire.seen += data
        super().data_received(data)
