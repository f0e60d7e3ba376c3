"""The subscriber connection of a process: one link after another.

Its reader only routes. Neighbours: broker.py, which is the way in.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from redis.asyncio import Connection, Redis
from redis.exceptions import RedisError

from realtime.bus import unpack
from realtime.loops import together
from realtime.recovery import Publication
from realtime.store import Unavailable, store_key

log = logging.getLogger(__name__)

PING_SECONDS = 1.0
SILENCE_SECONDS = 2.0
NAMES_AT_ONCE = 512
AGAIN_SECONDS = 0.5

Receive = Callable[[str, Publication], None]


class Link:
    """The subscriber connection: routes, pings, and comes back by itself."""

    def __init__(self, client: Redis, *, sharded: bool = False) -> None:
        self._client = client
        prefix = b"s" if sharded else b""
        self._message = prefix + b"message"
        self._subscribe = prefix + b"subscribe"
        self._unsubscribe = prefix + b"unsubscribe"
        # A server of a Cluster takes names of several slots one by one.
        self._at_once = 1 if sharded else NAMES_AT_ONCE
        self.names: dict[bytes, str] = {}
        self.is_up = False
        self._linked = asyncio.Event()
        self._acks: dict[bytes, list[asyncio.Future[None]]] = {}
        self._leaving: Counter[bytes] = Counter()
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._heard = 0.0
        self._was_up = False

    @property
    def is_mending(self) -> bool:
        """A link was lost, and the next does not bring every name yet."""
        return self._connection is not None and self._was_up and not self.is_up

    def holds(self, name: str) -> bool:
        return store_key(name).encode() in self.names

    def start(
        self,
        receive: Receive,
        relinked: Callable[[], None],
        displaced: Callable[[], None] = lambda: None,
    ) -> None:
        """`displaced` is called when a channel's home may be elsewhere now."""
        self._displaced = displaced
        self._receive = receive
        self._relinked = relinked
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def subscribe(self, names: list[str]) -> None:
        buses = {store_key(name).encode(): name for name in names}
        self.names.update(buses)
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self._linked.wait()
                await self._ask(list(buses))
        except (RedisError, OSError):
            for bus in buses:
                self.names.pop(bus, None)
            raise Unavailable from None

    async def unsubscribe(self, names: list[str]) -> None:
        buses = [store_key(name).encode() for name in names]
        for bus in buses:
            self.names.pop(bus, None)
        if self._connection is None:
            return
        self._leaving.update(buses)
        try:
            await self._connection.send_command(self._unsubscribe, *buses)
        except (RedisError, OSError):
            log.info("link lost while leaving %d channels", len(names))

    async def _ask(self, buses: list[bytes]) -> None:
        """SUBSCRIBE, and wait for every confirmation."""
        if self._connection is None:
            raise ConnectionError("no link")
        loop = asyncio.get_running_loop()
        futures = []
        for start in range(0, len(buses), self._at_once):
            part = buses[start : start + self._at_once]
            for bus in part:
                futures.append(loop.create_future())
                self._acks.setdefault(bus, []).append(futures[-1])
            await self._connection.send_command(self._subscribe, *part)
        if futures:
            await asyncio.gather(*futures)

    async def _keep(self) -> None:
        """One link after another, at most two a second."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            pool: Any = self._client.connection_pool
            connection: Connection = pool.make_connection()
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    await connection.connect()  # type: ignore[no-untyped-call] # redis'
                await self._listen(connection)
            except (RedisError, OSError) as error:
                if self.is_up or not self._was_up:
                    log.warning("link lost: %s", error or type(error).__name__)
            finally:
                self._lost()
                self._displaced()
                await connection.disconnect(nowait=True)
            await asyncio.sleep(max(0.0, began + AGAIN_SECONDS - loop.time()))

    def _lost(self) -> None:
        self._connection = None
        self._linked.clear()
        self.is_up = False
        for futures in self._acks.values():
            for future in futures:
                if not future.done():
                    future.set_exception(ConnectionError("link lost"))
        self._acks.clear()
        self._leaving.clear()

    async def _listen(self, connection: Connection) -> None:
        self._connection = connection
        self._linked.set()
        self._heard = asyncio.get_running_loop().time()
        await together(
            self._read(connection), self._ping(connection), self._resubscribe()
        )

    async def _resubscribe(self) -> None:
        async with asyncio.timeout(SILENCE_SECONDS):
            await self._ask(list(self.names))
        self.is_up = True
        if self._was_up:
            self._relinked()
        self._was_up = True

    async def _ping(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            asked = loop.time()
            await connection.send_command("PING")
            await asyncio.sleep(PING_SECONDS)
            late = loop.time() - asked - PING_SECONDS
            # After a stall of our own loop the answer may lie unread.
            if late < PING_SECONDS and loop.time() - self._heard > SILENCE_SECONDS:
                raise TimeoutError("the store is silent")

    async def _read(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            answer: Any = await connection.read_response(disable_decoding=True)
            self._heard = loop.time()
            kind = answer[0]  # of an array; a number in a bare PONG
            if kind == self._message:
                self._route(answer[1], answer[2])
            elif kind == self._unsubscribe:
                self._left(answer[1])
            elif kind == self._subscribe:
                for future in self._acks.pop(answer[1], ()):
                    if not future.done():
                        future.set_result(None)

    def _left(self, bus: bytes) -> None:
        if self._leaving[bus]:
            self._leaving[bus] -= 1
        elif self.names.pop(bus, None):
            self._displaced()  # not by us: its slot has left this server

    def _route(self, bus: bytes, message: bytes) -> None:
        name = self.names.get(bus)
        if name is None:
            return
        try:
            offset, epoch, envelope = message.split(b" ", 2)
            self._receive(name, unpack(int(offset), epoch.decode(), envelope))
        except Exception:  # one bad message must not deafen the process
            log.exception("message on %s", name)
