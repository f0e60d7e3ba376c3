"""One command and its one reply: sent when done, refused, or out of time."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from django.db import InterfaceError, OperationalError
from msgspec import Struct
from structlog.contextvars import bound_contextvars

from realtime.codecs import Codec
from realtime.exceptions import BAD_REQUEST, INTERNAL, UNAVAILABLE, CommandError
from realtime.frames import Frame, frame
from realtime.metrics import answered, answered_in, connects
from realtime.protocol import Close, Closing, Error

logger = logging.getLogger(__name__)

REPLY_SECONDS = 4.0
"""Stock SDKs give up after 5 s."""


class Answer(Struct, frozen=True):
    """A reply's body, and frames that follow it in the same turn of the loop."""

    body: Any
    then: Sequence[Frame] = ()


Work = Callable[[], Awaitable[Answer]]


class Pending:
    """A command that has come. Replies are void once one was sent."""

    def __init__(
        self,
        id_: int,
        name: str,
        codec: Codec,
        write: Callable[[Frame], None],
        close: Callable[[Close], None],
    ) -> None:
        self._id = id_
        self.name = name
        self.method = name or "none"
        """What is counted: the command, or the method it calls, once it is known."""
        self._codec = codec
        self._write = write
        self._close = close
        self._loop = asyncio.get_running_loop()
        self.began = self._loop.time()
        self._open = True
        self._reader: asyncio.Task[None] | None = None
        # From its arrival: it may wait long for its turn in its line.
        self._late = self._loop.call_at(self.began + REPLY_SECONDS, self._give_up)

    async def read(self, work: Work) -> None:
        """Do what may be given up at any point: out of time, it is cancelled."""
        if not self._open:
            return
        reader = self._reader = asyncio.current_task()
        try:
            await self._run(work)
        except asyncio.CancelledError:
            # By us, and by nobody else (as asyncio.timeout does).
            if self._open or reader is None or reader.uncancel() > 0:
                raise
        finally:
            self._reader = None

    def _give_up(self) -> None:
        self.refuse(UNAVAILABLE())
        if self._reader is not None:
            self._reader.cancel()

    async def act(self, work: Work) -> None:
        """Do what must not be torn: out of time it goes on, its reply is dropped."""
        if self._open:  # it may have waited too long for its turn
            await self._run(work)

    async def _run(self, work: Work) -> None:
        with bound_contextvars(command=self._id, method=self.method):  # for logs
            await self._answer(work)

    async def _answer(self, work: Work) -> None:
        try:
            answer = await work()
        except CommandError as error:
            self.refuse(error)
        except msgspec.DecodeError as error:
            self.refuse(bad_request(error))
        except Closing as closing:
            self._close(closing.close)
        except (OperationalError, InterfaceError) as error:
            logger.warning("command %s: the database is away: %s", self.name, error)
            self.refuse(UNAVAILABLE())
        except Exception:
            incident = secrets.token_hex(4)
            logger.exception("command %s failed, incident %s", self.name, incident)
            self.refuse(INTERNAL(id=incident))
        else:
            self._reply({self.name: answer.body}, answer.then)

    def refuse(self, error: CommandError) -> None:
        told = Error(error.code, error.message, error.temporary)
        self._reply({"error": told}, code=error.code)

    def _reply(
        self, body: dict[str, Any], then: Sequence[Frame] = (), code: int = 0
    ) -> None:
        if self._open:
            self._open = False
            self._late.cancel()
            self._count(code)
            message = self._codec.encode({"id": self._id, **body})
            self._write(frame(self._codec, [message]))
            for following in then:
                self._write(following)

    def _count(self, code: int) -> None:
        answered(self.method, code).inc()
        answered_in(self.method).observe(self._loop.time() - self.began)
        if code and self.name == "connect":
            connects.labels(code).inc()


def bad_request(error: msgspec.DecodeError) -> CommandError:
    """What msgspec found wrong, as `{path, why}`."""
    why, _, path = str(error).partition(" - at `")
    return BAD_REQUEST(path=path.rstrip("`") or "$", why=why)
