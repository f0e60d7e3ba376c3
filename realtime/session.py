"""The command loop of one socket: frames in, replies out, in the right order.

connect, subscribe and their like run as they arrive. An `rpc` runs beside others, but
methods of one noun (`message.*`) one after another. 16 may be in flight, then reading
pauses. Neighbours: welcome.py (connect), subscriptions.py (channels), router.py (what
a method does), pending.py (one command's reply), sinks.py (where bytes go).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ClassVar

import msgspec
from django.conf import settings
from msgspec import Raw
from structlog.contextvars import bind_contextvars

from realtime import protocol
from realtime.backlog import Backlog
from realtime.codecs import CODECS, BadFrame, Codec, push
from realtime.connection import Connection
from realtime.dispatch import plan
from realtime.doors import cut
from realtime.exceptions import (
    BAD_REQUEST,
    METHOD_NOT_FOUND,
    PERMISSION_DENIED,
    CommandError,
)
from realtime.frames import Frame, frame
from realtime.limits import Limits
from realtime.metrics import connects, disconnects, opened
from realtime.pending import REPLY_SECONDS, Answer, Pending, Work, bad_request
from realtime.process import Process
from realtime.protocol import UNSUBSCRIBE_RECOVER, Close, Envelope
from realtime.sinks import Sink
from realtime.subscriptions import Subscriptions
from realtime.welcome import pong, refresh, welcome

logger = logging.getLogger(__name__)

ID_MAX = 2**32 - 1

EMPTY = {codec.binary: frame(codec, [codec.encode({})]) for codec in CODECS}
"""Pings and pongs of each codec: never compressed, so one for all."""

PONGS: dict[bool, str | bytes] = {False: "{}", True: b"\x80"}

Run = Callable[[Work], Coroutine[Any, Any, None]]


class Session:
    """One socket's conversation, from accept to loss."""

    def __init__(
        self, process: Process, sink: Sink, codec: Codec, address: str
    ) -> None:
        self._process = process
        self._codec = codec
        self._address = address
        self.sink = sink
        sink.attach(Backlog(codec, self._snapshot), self)
        loop = asyncio.get_running_loop()
        self.here: Subscriptions | None = None
        """None until connected."""
        self._limits = Limits(loop.time())
        self._lines: dict[str, asyncio.Task[None]] = {}
        self._in_flight = 0
        self._room: asyncio.Event | None = None
        self._heard = True
        self._closed = False
        process.sessions.add(self)
        kind = "msgpack" if codec.binary else "json"
        self._counted = opened(kind, str(codec.deflate).lower())
        self._counted.inc()
        self._stale = loop.call_later(
            settings.SOUK_CONNECT_SECONDS, self.close, protocol.STALE
        )

    def heard(self, data: str | bytes) -> bool:
        """A pong, nearly all that an idle client ever says, wakes no task."""
        if data != PONGS[self._codec.binary]:
            return False
        self._listen()
        return True

    def _listen(self) -> bool:
        """A frame has come; False when it is one too many."""
        self._heard = True
        if self._limits.flooded(asyncio.get_running_loop().time()):
            self.close(protocol.TOO_MANY_REQUESTS)
            return False
        return True

    async def receive(self, data: str | bytes) -> None:
        """Start a frame's commands; returns when reading may go on."""
        if not self._listen():
            return
        try:
            envelopes = self._codec.split(data)
        except BadFrame as error:
            logger.debug("bad frame: %s", error)
            self.close(protocol.BAD_REQUEST)
            return
        for envelope in envelopes:
            if self._closed:
                return
            await self._handle(envelope)

    async def _handle(self, envelope: Envelope) -> None:
        commands = envelope.commands()
        if not commands and not envelope.id:
            return  # a pong
        if any(name == "send" for name, _ in commands):
            self.close(protocol.NOT_AVAILABLE)
        elif not 1 <= envelope.id <= ID_MAX:
            self.close(protocol.BAD_REQUEST)
        elif len(commands) != 1:
            pending = self._pending(envelope.id, "")
            pending.refuse(BAD_REQUEST(path="$", why="not one well-formed command"))
        else:
            ((name, body),) = commands
            pending = self._pending(envelope.id, name)
            await self._command(pending, body)

    def _pending(self, id_: int, name: str) -> Pending:
        return Pending(id_, name, self._codec, self.sink.write, self.close)

    async def _command(self, pending: Pending, body: Raw) -> None:
        if (self.here is None) != (pending.name == "connect"):
            self.close(protocol.BAD_REQUEST)
        elif self.here is None:
            await pending.read(lambda: self._connect(body))
        elif refusal := self._limits.refusal(pending.name, pending.began):
            pending.refuse(refusal)
            if self._limits.abusive(pending.began):
                self.close(protocol.TOO_MANY_REQUESTS)
        else:
            try:
                line, run, work = self._plan(pending, body, self.here)
            except CommandError as error:
                pending.refuse(error)
            except msgspec.DecodeError as error:
                pending.refuse(bad_request(error))
            else:
                await self._start(line, run, work)

    def _plan(
        self, pending: Pending, body: Raw, here: Subscriptions
    ) -> tuple[str, Run, Work]:
        """In which line a command waits, how it runs, what it does."""
        if pending.name == "rpc":
            call = self._codec.body(body, protocol.Rpc)
            if call.method in self._process.router.handlers:
                pending.method = call.method
            act = plan(
                self._process.router,
                here.connection,
                call.method,
                lambda type_: self._codec.body(call.data, type_),
            )

            async def work() -> Answer:
                return Answer(protocol.Result(await act()))

            return call.method.partition(".")[0] + ".", pending.act, work
        if (answer := self._answers.get(pending.name)) is None:
            if pending.name == "publish":
                raise PERMISSION_DENIED()
            raise METHOD_NOT_FOUND()
        asked, _ = protocol.ORDERED[pending.name]
        wish = self._codec.body(body, asked)
        return "", pending.read, lambda: answer(here, wish)

    async def _start(self, line: str, run: Run, work: Work) -> None:
        while self._in_flight >= protocol.IN_FLIGHT and not self._closed:
            self._room = asyncio.Event()
            await self._room.wait()
        self._in_flight += 1
        task = self._process.keep(_after(self._lines.get(line), run, work))
        self._lines[line] = task
        task.add_done_callback(lambda done: self._done(line, done))

    def _make_room(self) -> None:
        if self._room is not None:
            self._room.set()

    def _done(self, line: str, task: asyncio.Task[None]) -> None:
        if self._lines.get(line) is task:
            del self._lines[line]
        self._in_flight -= 1
        self._make_room()

    async def _connect(self, body: Raw) -> Answer:
        wish = self._codec.body(body, protocol.Connect)
        began = asyncio.get_running_loop().time()
        here, answer = await welcome(
            self._process, wish, self._address, self._subscriptions
        )
        viewer = here.connection.viewer
        if close := self._process.orders.sent_off(viewer, began):
            here.close()  # signed out after the token was looked at
            self.close(close)
        elif self._closed or not self._process.arrive(self, viewer):
            here.close()
            self.close(protocol.CONNECTION_LIMIT)
        else:
            self.here = here
            self._stale.cancel()
            connects.labels("ok").inc()
            told = {"user": viewer, "address": cut(self._address)}
            logger.info("connected", extra=told)
        return answer

    def _subscriptions(self, connection: Connection) -> Subscriptions:
        process = self._process
        bind_contextvars(connection=connection.client)
        return Subscriptions(
            process.hub, process.router, self, self.sink, self._codec, connection
        )

    # What the server does by itself

    @property
    def sign_outs(self) -> int:
        """How often its user had signed out when it connected."""
        return self.here.connection.sign_outs if self.here is not None else 0

    def push(self, channel: str, kind: str, body: Any) -> None:
        """Tell the client about one of its channels."""
        message = push(self._codec, channel, **{kind: body})
        self.sink.write(frame(self._codec, [message]))

    def evict(self, name: str, code: int, reason: str) -> None:
        """End a subscription; the client is told."""
        if self.here is not None and name in self.here.names:
            self.here.leave(name)
            self.push(name, "unsubscribe", {"code": code, "reason": reason})

    def insufficient(self, name: str) -> None:
        """Publications were lost: the client subscribes and recovers anew.

        `#<user>` is not a subscription of the client's, so there the connection ends.
        """
        if name.startswith("#"):
            self.close(protocol.INSUFFICIENT_STATE)
        else:
            self.evict(name, UNSUBSCRIBE_RECOVER, "insufficient state")

    def ping(self) -> None:
        """Every 25 s: over if nothing was heard since the last one, or for too long.

        While the last one is still on its way to a slow reader, nothing is proved: who
        stands still, or is not there any more, is found by the stall, or the kernel.
        """
        now = asyncio.get_running_loop().time()
        if self.here is not None and self.here.connection.until <= now:
            self.close(protocol.EXPIRED)
        elif self._heard:
            self._ping()
        elif not self.sink.is_behind:
            self.close(protocol.NO_PONG)

    def _ping(self) -> None:
        self._heard = False
        self.sink.write(EMPTY[self._codec.binary])

    def slow(self) -> None:
        """The client takes too little: it must come back and recover."""
        if self._closed:  # and did not even take that in time
            self.sink.abort()
            return
        self.sink.backlog.clear()
        self.close(protocol.SLOW)

    def close(self, close: Close) -> None:
        """Say why, and end. Nothing of any channel is written from now on."""
        if self._closed:
            return
        connected = self.here is not None
        self._end(str(close.code))
        if not connected:
            connects.labels(close.code).inc()
        else:
            told = {
                "code": close.code,
                "reason": close.reason,
                "reconnect": not close.final,
            }
            message = self._codec.encode({"push": {"disconnect": told}})
            self.sink.write(frame(self._codec, [message]))
        self.sink.close(close)

    async def retire(self, close: Close) -> None:
        """Close when what has been asked is answered, 4 s from now at the latest."""
        if self._lines:
            await asyncio.wait(list(self._lines.values()), timeout=REPLY_SECONDS)
        self.close(close if self.here is not None else protocol.RESTART)

    def gone(self) -> None:
        """The socket is no more; commands under way go on."""
        if not self._closed:
            self._end("gone")

    def placed(self) -> None:
        """The sink can be written to by descriptor, or no longer."""
        if self.here is not None:
            self._process.hub.place(self, self.here.names)

    def _end(self, why: str) -> None:
        self._closed = True
        self._process.sessions.discard(self)
        self._counted.dec()
        disconnects.labels(why).inc()
        if self.here is not None:
            client = self.here.connection.client
            logger.info("ended", extra={"connection": client, "code": why})
        self._stale.cancel()
        self._make_room()
        if self.here is not None:
            self.here.close()
            self._process.depart(self, self.here.connection.viewer)

    def _snapshot(self, name: str) -> Frame | None:
        channel = self._process.hub.channels.get(name)
        return channel.snapshot_frame(self._codec) if channel else None

    _answers: ClassVar[dict[str, Callable[[Subscriptions, Any], Awaitable[Answer]]]] = {
        "subscribe": Subscriptions.subscribe,
        "unsubscribe": Subscriptions.unsubscribe,
        "history": Subscriptions.history,
        "presence_stats": Subscriptions.presence_stats,
        "refresh": refresh,
        "ping": pong,
    }


async def _after(before: asyncio.Task[None] | None, run: Run, work: Work) -> None:
    """Wait for the command before in the same line, however it ends."""
    if before is not None:
        await asyncio.wait({before})
    await run(work)
