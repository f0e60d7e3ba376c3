"""A bad network between two of our processes: a seeded TCP proxy on 127.0.0.1.

Honest about TCP: bytes are never lost, swapped or changed, since a real network cannot
do that to whoever reads a socket. Loss is what a reader sees of it: the segment comes
200 ms late, twice as late each time it is lost again. A black hole takes nothing any
more, so windows fill. What is left to chance is a function of the seed, the connection,
the direction and the segment's number: scheduling does not change it.
"""

import asyncio
import logging
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Any, Self

from realtime.loops import together

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)  # pytest prints what was decided when a test fails

SEGMENT = 1460
STALL_SECONDS = 0.2
STALLS = 6
IN_FLIGHT = 64
VERB_SECONDS = 10.0
AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: closed by a reset."""


@dataclass
class Way:
    """One direction: seconds of delay and jitter, bytes a second (0: no bound), the
    probability that a segment is lost.
    """

    delay: float = 0.0
    jitter: float = 0.0
    rate: float = 0.0
    loss: float = 0.0

    def lateness(self, rng: Random) -> float:
        late, stall = self.delay + self.jitter * rng.random(), STALL_SECONDS
        for _ in range(STALLS):
            if rng.random() >= self.loss:
                break
            late, stall = late + stall, stall * 2
        return late


class Cut(Exception):
    """This connection ends here, by a reset."""


class Link:
    """`with Link(port_of_the_server) as link:`, and clients go to `link.port`.

    Or the path of the server's unix socket.

    A thread and a loop of its own, so that a test's loop that is busy delays nothing;
    every verb has taken effect when it returns.
    """

    def __init__(self, upstream: int | str, seed: int = 1) -> None:
        self.up, self.down = Way(), Way()
        self.seed = seed
        self.connections = 0
        """So many were made through it, ever."""
        self._upstream = upstream
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._allowance: int | None = None
        self._fatal = b""
        self._refuses = False

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._open())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def reset(self) -> None:
        """Every connection ends, now; new ones are taken."""
        self._do(self._reset())

    def blackhole(self) -> None:
        """Nothing passes, nobody is told; until `heal`."""
        self._do(self._stop(True))

    def refuse(self) -> None:
        """Every connection ends, new ones as soon as they are made; until `heal`."""
        self._refuses = True
        self.reset()

    def heal(self) -> None:
        """A perfect network again; what was held passes."""
        self._refuses = False
        self.up, self.down = Way(), Way()
        self._allowance, self._fatal = None, b""
        self._do(self._stop(False))

    def cut(self, after: int) -> None:
        """When so many bytes more have gone up, the connection of the last one ends."""
        self._allowance = after

    def cut_when(self, up: bytes) -> None:
        """The first connection on which these bytes have gone up ends."""
        self._fatal = up

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(VERB_SECONDS)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        await self._reset()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # the transports hear of it

    async def _stop(self, stopped: bool) -> None:
        log.info("black hole" if stopped else "healed")
        (self._flowing.clear if stopped else self._flowing.set)()

    async def _reset(self) -> None:
        for writer in list(self._writers):
            _reset(writer)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._upstream, str):
            return await asyncio.open_unix_connection(self._upstream)
        return await asyncio.open_connection("127.0.0.1", self._upstream)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._refuses:
            return _reset(writer)
        self.connections += 1
        number = self.connections
        self._writers.add(writer)
        ends = [writer]
        try:
            there, back = await self._dial()
            self._writers.add(back)
            ends.append(back)
            await together(
                self._pump(number, "up", reader, back),
                self._pump(number, "down", there, writer),
            )
        except (OSError, Cut) as error:
            log.info("connection %d: %r", number, error)
        finally:
            for end in ends:
                self._writers.discard(end)
                _reset(end)

    async def _pump(
        self,
        number: int,
        name: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Until its end closes, which closes the other (by failing)."""
        line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)
        taking = asyncio.create_task(self._take(number, name, reader, line))
        try:
            tail = b""
            while True:
                due, data = await line.get()
                if (wait := due - self._loop.time()) > 0:
                    await asyncio.sleep(wait)
                await self._flowing.wait()
                if not data:
                    raise Cut("closed")
                writer.write(data)
                await writer.drain()
                if name == "up":
                    tail = self._look(tail + data, len(data))
        finally:
            taking.cancel()

    async def _take(
        self,
        number: int,
        name: str,
        reader: asyncio.StreamReader,
        line: asyncio.Queue[tuple[float, bytes]],
    ) -> None:
        position, due, free = 0, 0.0, 0.0
        late = 0.0
        while True:
            await self._flowing.wait()
            try:
                data = await reader.read(SEGMENT - position % SEGMENT)
            except OSError:
                data = b""
            way: Way = getattr(self, name)
            if position % SEGMENT == 0:
                seed = f"{self.seed}:{number}:{name}:{position // SEGMENT}"
                late = way.lateness(Random(seed))  # noqa: S311 - to be repeatable
                if late:
                    log.info("%s: %.0f ms late", seed, late * 1000)
            position += len(data)
            now = self._loop.time()
            if way.rate:
                free = max(free, now) + len(data) / way.rate
            due = max(due, now + late, free)
            await line.put((due, data))
            if not data:
                return

    def _look(self, tail: bytes, new: int) -> bytes:
        """What has gone up; raises `Cut`. Returns what the fatal bytes may begin in."""
        if self._allowance is not None:
            self._allowance -= new
            if self._allowance <= 0:
                self._allowance = None
                raise Cut("so many bytes")
        if self._fatal and self._fatal in tail:
            fatal, self._fatal = self._fatal, b""
            raise Cut(f"{fatal!r} went up")
        return tail[-max(len(self._fatal) - 1, 0) :] if self._fatal else b""


def _reset(writer: asyncio.StreamWriter) -> None:
    end: socket.socket | None = writer.get_extra_info("socket")
    if end is not None and not writer.transport.is_closing():
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        writer.transport.abort()
