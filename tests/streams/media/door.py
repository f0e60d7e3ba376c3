"""A minimal WHIP and WHEP door for tests: the engine's calls behind plain HTTP.

The product's door is `streams/whip.py`; here are only what ffmpeg and a page need.
`POST /whip/<stream>`, `POST /whep/<stream>`, `DELETE` of a session; `GET /` is a page.
"""

import asyncio
import contextlib
import itertools
from dataclasses import dataclass, field

from streams.media.contract import Refused
from streams.media.engine import Engine

_REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 404: "Not Found"}


@dataclass
class Told:
    """Facts as the engine told them, and a way to wait for one."""

    facts: list[tuple[str, ...]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def _note(self, *fact: str) -> None:
        self.facts.append(fact)
        self.changed.set()

    def ingest_started(
        self, ingest: str, generation: int, video: str | None, audio: str | None
    ) -> None:
        self._note("started", ingest, str(generation), str(video), str(audio))

    def ingest_silent(self, ingest: str) -> None:
        self._note("silent", ingest)

    def ingest_resumed(self, ingest: str) -> None:
        self._note("resumed", ingest)

    def ingest_closed(self, ingest: str, reason: str) -> None:
        self._note("closed", ingest, reason)

    async def wait(self, *fact: str, within: float = 15.0) -> tuple[str, ...]:
        """The first fact that begins so."""
        async with asyncio.timeout(within):
            while True:
                for told in self.facts:
                    if told[: len(fact)] == fact:
                        return told
                self.changed.clear()
                await self.changed.wait()


class Door:
    """Names sessions by counting: ingests i1, i2 …, viewers v1, v2 …"""

    def __init__(self, engine: Engine, page: str = "") -> None:
        self.engine = engine
        self.page = page
        self.port = 0
        self.codec: str | None = None
        self._generations = itertools.count(1)
        self._viewers = itertools.count(1)
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def post(self, path: str, offer: str) -> str:
        """What a POST is answered, without the HTTP; raises Refused."""
        kind, stream = path.strip("/").split("/")
        return (await self._begin(kind, int(stream), offer))[1]

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            method, path, body = await _request(reader)
            status, kind, answer, extra = await self._answer(method, path, body)
            head = (
                f"HTTP/1.1 {status} {_REASONS[status]}\r\n"
                f"Content-Type: {kind}\r\nContent-Length: {len(answer.encode())}\r\n"
                f"Connection: close\r\n{extra}\r\n"
            )
            writer.write((head + answer).encode())
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    async def _answer(
        self, method: str, path: str, body: str
    ) -> tuple[int, str, str, str]:
        parts = path.strip("/").split("/")
        if method == "GET":
            return 200, "text/html", self.page, ""
        if method == "DELETE":
            await self.engine.close(parts[-1], "delete")
            return 200, "text/plain", "", ""
        try:
            name, sdp = await self._begin(parts[0], int(parts[1]), body)
        except Refused as refused:
            return 400, "text/plain", f"{refused.name} {refused.data}", ""
        return 201, "application/sdp", sdp, f"Location: /session/{name}\r\n"

    async def _begin(self, kind: str, stream: int, offer: str) -> tuple[str, str]:
        if kind == "whep":
            name = f"v{next(self._viewers)}"
            answer = await self.engine.play(
                session=name, stream=stream, user=None, via="127.0.0.1", sdp_offer=offer
            )
            return name, answer.sdp
        generation = next(self._generations)
        name = f"i{generation}"
        answer = await self.engine.publish(
            ingest=name,
            stream=stream,
            generation=generation,
            codec=self.codec,
            max_kbps=4000,
            via="127.0.0.1",
            sdp_offer=offer,
        )
        return name, answer.sdp


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    method, path, _ = head.split(" ", 2)
    length = 0
    for line in head.lower().split("\r\n"):
        if line.startswith("content-length:"):
            length = int(line.partition(":")[2])
        if line.startswith("expect: 100-continue"):
            raise asyncio.IncompleteReadError(b"", 1)
    return method, path, (await reader.readexactly(length)).decode()
