"""The media process: an engine, the calls it answers, the facts it tells.

It says in SQL that it lives, and every two seconds compares what it holds with what
SQL says, both ways: so a lost call, a lost fact or an emptied store heal by themselves.
Pictures go on while the database or the store is away.
"""

import asyncio
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any

from django.db import DatabaseError, InterfaceError

from realtime import CommandError, db, publish
from realtime.health import Health
from realtime.outbox import Outbox
from streams import calls, database
from streams.actions import nodes
from streams.audience import Audience
from streams.calls import Close, Do, Patch, Play, Publish, Stats, Stop
from streams.clock import epoch_ms
from streams.facts import FactQueue
from streams.health import health
from streams.media.contract import SessionView
from streams.media.engine import Engine

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
COMPARE_SECONDS = 2.0
LEAVE_SECONDS = 6.0
SEND_SECONDS = 2.0


def node_name(port: int) -> str:
    """One for each media process, the same after a restart; it is part of addresses."""
    host = blake2b(socket.gethostname().encode(), digest_size=4).hexdigest()
    return f"{host}-{port}"


class Node:
    """One media process."""

    def __init__(self, port: int, addresses: Sequence[str]) -> None:
        self.boot = secrets.token_urlsafe(16)
        self.facts = FactQueue(self._refuse)
        self.engine = Engine(port=port, addresses=addresses, facts=self.facts)
        self.outbox = Outbox()
        self.health = Health()
        self.audience = Audience()
        self._closing: set[asyncio.Task[bool]] = set()

    @property
    def name(self) -> str:
        return node_name(self.engine.port)

    async def run(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Serve until `stop`, with a started engine; then close and tell it all."""
        await self._register()
        ready()
        tasks = [
            asyncio.create_task(task)
            for task in (
                calls.serve(self.name, self.execute),
                self.facts.run(),
                self.outbox.run(),
                self.health.beat(),
                _each(BEAT_SECONDS, self._beat),
                _each(COMPARE_SECONDS, self._compare),
            )
        ]
        ended = asyncio.create_task(stop.wait())
        await asyncio.wait([*tasks, ended], return_when=asyncio.FIRST_COMPLETED)
        self.health.draining = True
        await self._leave()
        for task in (*tasks, ended):
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await self._send_the_rest()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def execute(self, do: Do) -> Any:
        """Answer a call. Raises `contract.Refused`."""
        match do:
            case Publish():
                return await self.engine.publish(
                    ingest=do.ingest,
                    stream=do.stream,
                    generation=do.generation,
                    codec=do.codec,
                    max_kbps=do.max_kbps,
                    via=do.via,
                    sdp_offer=do.sdp_offer,
                )
            case Play():
                return await self.engine.play(
                    session=do.session,
                    stream=do.stream,
                    user=do.user,
                    via=do.via,
                    sdp_offer=do.sdp_offer,
                )
            case Patch():
                return await self.engine.patch(
                    session=do.session, if_match=do.if_match, fragment=do.fragment
                )
            case Close():
                return await self.engine.close(do.session, do.reason)
            case Stop():
                return await self.engine.stop_stream(do.stream, do.reason)
            case Stats():
                return self.engine.stats(do.stream)

    def _refuse(self, ingest: str, reason: str) -> None:
        task = asyncio.create_task(self.engine.close(ingest, reason))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _register(self) -> None:
        """Needs the database: a node that SQL does not know gets no work anyway."""
        while True:
            try:
                await db(
                    nodes.register,
                    self.name,
                    self.boot,
                    self.engine.port,
                    self.engine.addresses,
                )
                return
            except (DatabaseError, InterfaceError, CommandError) as error:
                log.warning("no database yet: %s", error)
                await asyncio.sleep(BEAT_SECONDS)

    async def _beat(self) -> None:
        boot = await db(nodes.beat, self.name, self.boot)
        if boot is None:
            await self._register()
        elif boot != self.boot:
            log.error("another media process runs as %s", self.name)

    async def _compare(self) -> None:
        """Sessions that SQL calls closed are closed, rows not held here are lost."""
        before = self.engine.sessions()
        held = await db(nodes.held, self.name, {view.stream for view in before})
        present = self.engine.sessions()
        for view in before:
            if view.kind == "ingest" and view.session not in held.ingests:
                await self.engine.close(view.session, "closed")
        for stream in held.over:
            await self.engine.stop_stream(stream, "ended")
        for lost in held.settled - {view.session for view in present}:
            self.facts.ingest_closed(lost, "node_lost")
        await self.audience.tell(held.rooms, present)
        await self._tell_health(present)

    async def _tell_health(self, sessions: Sequence[SessionView]) -> None:
        streams = {view.stream for view in sessions if view.kind == "ingest"}
        if not streams:
            return
        at = epoch_ms(await db(database.now))
        for stream in streams:
            told = health(self.engine.stats(stream), at)
            await publish(f"staff:{stream}", told, keep=False)

    async def _leave(self) -> None:
        """Take nothing new, close what runs, carry the facts."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await db(nodes.drain, self.name, self.boot)
                await self.engine.stop()
                await self.facts.all_carried()
        except (TimeoutError, DatabaseError, CommandError) as error:
            log.warning("left in a hurry: %r", error)

    async def _send_the_rest(self) -> None:
        """What the last facts told; should time be short, any other process sweeps."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SEND_SECONDS):
                await self.outbox.drain()


async def _each(seconds: float, job: Callable[[], Awaitable[None]]) -> None:
    """Do `job` again and again, whatever the database and the store are up to."""
    while True:
        try:
            await job()
        except (DatabaseError, InterfaceError, CommandError) as error:
            log.warning("%s: %s", getattr(job, "__name__", job), error)
        except Exception:
            log.exception("%s", getattr(job, "__name__", job))
        await asyncio.sleep(seconds)
