"""Can this process do its work now? What `/readyz` says, and why not.

The store and the database are asked when somebody wants to know; of each question one
is on its way at most, so that asking costs nothing while they hang.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

from django.db import DatabaseError, InterfaceError

from realtime.db import db
from realtime.exceptions import CommandError
from realtime.outbox import Unsent, waiting
from realtime.store import store

T = TypeVar("T")

LOOK_SECONDS = 0.2
LOOKS = 5
LAG_SECONDS = 1.0
ANSWER_SECONDS = 1.0
AGAIN_SECONDS = 10.0


class Question(Generic[T]):
    """Asked again and again: its answer, or None when there is none within a second.

    One that hangs is given up after `again` seconds: a cut link may never tell its end.
    """

    def __init__(
        self, ask: Callable[[], Awaitable[T]], again: float = AGAIN_SECONDS
    ) -> None:
        self._ask = ask
        self._again = again
        self._asked = 0.0
        self._asking: asyncio.Task[T | None] | None = None

    async def __call__(self) -> T | None:
        now = asyncio.get_running_loop().time()
        if self._asking is not None and now - self._asked >= self._again:
            self._asking.cancel()
            self._asking = None
        if self._asking is None or self._asking.done():
            self._asked = now
            self._asking = asyncio.create_task(self._answer())
        done, _ = await asyncio.wait({self._asking}, timeout=ANSWER_SECONDS)
        return self._asking.result() if done else None

    async def _answer(self) -> T | None:
        with suppress(DatabaseError, InterfaceError, CommandError):
            return await self._ask()
        return None

    def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()


class Health:
    """One process's. `linked` says whether it hears what others publish."""

    def __init__(self, linked: Callable[[], bool] = lambda: True) -> None:
        self.draining = False
        self._linked = linked
        self._lags: deque[float] = deque([0.0], maxlen=LOOKS)
        self.store: Question[object] = Question(lambda: store().call("PING"))
        self.outbox: Question[Unsent] = Question(lambda: db(waiting))

    @property
    def lag(self) -> float:
        """Seconds the loop was late, the worst of the last second."""
        return max(self._lags)

    async def beat(self, each_second: Callable[[float], None] = lambda _: None) -> None:
        """Look at the clock until cancelled; tell what each second's lag was."""
        loop = asyncio.get_running_loop()
        for turn in itertools.count(1):
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self._lags.append(loop.time() - due)
            if turn % LOOKS == 0:
                each_second(self.lag)

    async def trouble(self) -> list[str]:
        """What keeps this process from its work; empty: it is ready."""
        pong, rows = await asyncio.gather(self.store(), self.outbox())
        found = {
            "draining": self.draining,
            "store": pong is None or not self._linked(),
            "database": rows is None,
            "loop": self.lag >= LAG_SECONDS,
        }
        return [name for name, wrong in found.items() if wrong]

    def close(self) -> None:
        self.store.close()
        self.outbox.close()
