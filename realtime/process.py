"""One web process put together: hub, wheel, outbox, counts, orders from others.

`process()` is the running loop's. The edge starts it before it listens and stops it
when the last socket is closed.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from django.conf import settings

from realtime import presence
from realtime.broker import broker
from realtime.channels import CONTROL, namespace_of, root_router
from realtime.exceptions import CommandError
from realtime.healing import check, mend
from realtime.health import Health
from realtime.hub import Hub
from realtime.loops import PerLoop
from realtime.orders import Guest, Orders
from realtime.outbox import Outbox
from realtime.protocol import Close
from realtime.recovery import Publication
from realtime.stalls import StallWatch
from realtime.store import store
from realtime.wheel import Wheel

logger = logging.getLogger(__name__)

USER_SOCKETS = 20
DRAIN_HOOK_SECONDS = 2.0
FLUSH_SECONDS = 1.0
CHECK_SECONDS = (25.0, 40.0)
MEND_SECONDS = 0.5


class Process:
    """What all sessions of a process share."""

    def __init__(self) -> None:
        self.router = root_router()
        self.hub = Hub(broker(), namespace_of)
        self.wheel = Wheel(settings.SOUK_PING_SECONDS)
        self.health = Health(lambda: broker().link.is_up)
        self.guests: dict[int | None, set[Guest]] = {}
        self.sessions: set[Guest] = set()
        """Every open socket's, also of those that have not connected."""
        self.orders = Orders(self.hub, self.guests)
        self._outbox = Outbox()
        self._commands: set[asyncio.Task[None]] = set()
        self._chores: list[asyncio.Task[None]] = []
        self._mending: asyncio.Task[None] | None = None
        self._reported: dict[str, set[str]] = {}
        self._stalls = StallWatch()

    def arrive(self, guest: Guest, viewer: int | None) -> bool:
        """A session is connected; False when its user has too many already."""
        guests = self.guests.setdefault(viewer, set())
        if viewer is not None and len(guests) >= USER_SOCKETS:
            return False
        guests.add(guest)
        self.wheel.add(guest)
        return True

    def depart(self, guest: Guest, viewer: int | None) -> None:
        self.wheel.remove(guest)
        guests = self.guests.get(viewer, set())
        guests.discard(guest)
        if not guests:
            self.guests.pop(viewer, None)

    def keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a command to its end, whoever has left meanwhile."""
        task = asyncio.get_running_loop().create_task(work)
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)
        return task

    async def start(self) -> None:
        """Listen to the store and begin the chores; returns at once if it is away."""
        self.hub.taps[CONTROL.name] = self.orders
        broker().start(self._receive, self._relinked)
        self.wheel.start()
        self._stalls.start()
        chores = [self._outbox.run, self._count, self._check, self._obey, self._beat]
        chores.append(self.orders.doubt)
        for chore in (*chores, *self.router.jobs):
            work = _for_ever(chore)
            self._chores.append(asyncio.get_running_loop().create_task(work))

    async def stop(self) -> None:
        """Tell the rooms, then end what was started. Nobody is connected any more."""
        for hook in self.router.drain_hooks:
            try:
                async with asyncio.timeout(DRAIN_HOOK_SECONDS):
                    await hook()
            except Exception:
                logger.exception("drain hook")
        self._stalls.stop()
        self.wheel.stop()
        self.hub.close()
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._outbox.drain()
        await broker().close()
        await store().close()

    async def drain(self, close: Close, seconds: float) -> None:
        """End every connection, in random order, spread evenly over `seconds`.

        Or all would be back, somewhere else, in the same second.
        """
        sessions = list(self.sessions)
        random.shuffle(sessions)
        loop = asyncio.get_running_loop()
        began, ends = loop.time(), []
        for number, session in enumerate(sessions):
            due = began + seconds * number / len(sessions)
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            ends.append(self.keep(session.retire(close)))
        if ends:
            await asyncio.wait(ends)

    def dismiss(self, close: Close) -> None:
        """End every connection that is left, now."""
        for session in list(self.sessions):
            session.close(close)

    async def settle(self, seconds: float) -> None:
        """Wait until no command is under way, at most so long."""
        if self._commands:
            await asyncio.wait(self._commands, timeout=seconds)

    # Chores

    async def _obey(self) -> None:
        while True:
            with contextlib.suppress(CommandError):
                await self.hub.warm(CONTROL.name)
                await asyncio.Event().wait()
            await asyncio.sleep(1)

    def _receive(self, name: str, publication: Publication) -> None:
        if broker().link.is_mending:
            self.hub.hold()
        self.hub.receive(name, publication)

    def _relinked(self) -> None:
        self.hub.hold()
        if self._mending is not None:
            self._mending.cancel()
        self._mending = self.keep(self._mend())

    async def _mend(self) -> None:
        while True:
            try:
                await mend(self.hub, broker())
                return
            except CommandError as error:
                logger.warning("after a new link: %s", error.message)
            await asyncio.sleep(MEND_SECONDS)

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(random.uniform(*CHECK_SECONDS))  # noqa: S311 - spreads
            try:
                await check(self.hub, broker())
            except CommandError as error:
                logger.warning("positions not compared: %s", error.message)

    async def _beat(self) -> None:
        await self.health.beat(self.hub.steer)

    async def _count(self) -> None:
        """Tell the store who is on counted channels here."""
        while True:
            await asyncio.sleep(presence.REPORT_SECONDS)
            with contextlib.suppress(CommandError):
                await self.report()

    async def report(self) -> None:
        """Raises `Unavailable`."""
        for name in {*self._reported, *self._counted()}:
            channel = self.hub.channels.get(name)
            members = channel.members.values() if channel else ()
            users = {member.who for member in members}
            known = self._reported.get(name, set())
            seen = await presence.report(name, len(members), users - known)
            if members and seen.users > len(users) * presence.SURELY:
                # Not those who left: guests are new ones each time they connect.
                self._reported[name] = users
            else:  # nobody is here, or the store has lost whom it knew
                self._reported.pop(name, None)

    def _counted(self) -> list[str]:
        return [
            name
            for name, channel in self.hub.channels.items()
            if channel.members and namespace_of(name).counted
        ]


async def _for_ever(chore: Callable[[], Awaitable[None]]) -> None:
    """A chore that breaks is logged, and begins again a second later."""
    while True:
        try:
            await chore()
            return
        except Exception:
            logger.exception("chore %s", getattr(chore, "__qualname__", chore))
        await asyncio.sleep(1)


process = PerLoop(Process)
"""The running loop's process."""
