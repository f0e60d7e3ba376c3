"""The inner door of a process, for those who run it: metrics, and how it is.

HTTP on loopback, answered by the loop itself: `/healthz` says that it turns, `/readyz`
whether work should be given to this process, `/metrics` what it counted. Nothing of a
user is told here, but it is not for the world: no proxy may lead to it.
"""

import asyncio
import logging
from argparse import ArgumentParser
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from django.conf import settings
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from realtime import metrics
from realtime.health import Health

log = logging.getLogger(__name__)

HEAD_BYTES = 8192
SECONDS = 5.0
AGAIN_SECONDS = 1.0
AT_ONCE = 16


class Page(NamedTuple):
    status: str
    body: bytes
    kind: str = "text/plain; charset=utf-8"


OK = Page("200 OK", b"ok\n")


def add_admin_port(parser: ArgumentParser) -> None:
    """The option of a command that runs a process of its own."""
    parser.add_argument(
        "--admin-port",
        type=int,
        default=settings.SOUK_ADMIN_PORT,
        help="on loopback, for metrics and probes; 0: none",
    )


@asynccontextmanager
async def admin_port(
    port: int, health: Health, read: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """The port while the block runs; none for 0. `read` sets the gauges."""
    if not port:
        yield
        return
    serving = asyncio.create_task(AdminPort(port, health, read).run())
    try:
        yield
    finally:
        serving.cancel()
        await asyncio.wait({serving})
        health.close()


class AdminPort:
    """`read` is awaited before what is counted is told."""

    def __init__(
        self, port: int, health: Health, read: Callable[[], Awaitable[None]]
    ) -> None:
        self._port = port
        self._health = health
        self._read = read
        self._open = 0

    async def run(self) -> None:
        """Serve until cancelled. While the port is another's it is asked for again.

        So a process that replaces one has it once that one, drained, is gone.
        """
        server = await self._listen()
        async with server:
            await server.serve_forever()

    async def _listen(self) -> asyncio.Server:
        told = False
        while True:
            try:
                return await asyncio.start_server(
                    self._serve, "127.0.0.1", self._port, limit=HEAD_BYTES
                )
            except OSError as error:
                if not told:
                    log.warning("admin port %d: %s", self._port, error.strerror)
                told = True
            await asyncio.sleep(AGAIN_SECONDS)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._open += 1
        try:
            if self._open <= AT_ONCE:
                async with asyncio.timeout(SECONDS):
                    await self._answer(reader, writer)
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # it went away, or is no HTTP client
        finally:
            self._open -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        page = await self._page(head.partition(b"\r\n")[0].split(b" "))
        lines = (
            f"HTTP/1.1 {page.status}",
            f"Content-Type: {page.kind}",
            f"Content-Length: {len(page.body)}",
            "Connection: close",
        )
        writer.write("\r\n".join((*lines, "", "")).encode() + page.body)
        await writer.drain()

    async def _page(self, request: list[bytes]) -> Page:
        match request:
            case [b"GET", b"/healthz", _]:
                return OK
            case [b"GET", b"/readyz", _]:
                wrong = await self._health.trouble()
                why = " ".join(wrong).encode()
                return Page("503 Service Unavailable", why + b"\n") if wrong else OK
            case [b"GET", b"/metrics", _]:
                await self._read()
                body = await asyncio.to_thread(metrics.text)
                return Page("200 OK", body, CONTENT_TYPE_PLAIN_0_0_4)
        return Page("404 Not Found", b"/metrics /healthz /readyz\n")
