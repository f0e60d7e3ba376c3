"""Keeps the processes of one machine alive: the store, and children by command name.

Nothing of what they run is imported here. What dies is started again after 0.1 s,
doubling to 5 s. If we are killed, so are the children, by SIGKILL: told politely they
would drain for 20 s, beside the next `souk serve` and without their store.
"""

import logging
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from types import FrameType

from realtime.embedded import Embedded, dying_with

log = logging.getLogger(__name__)

FIRST_DELAY, LAST_DELAY = 0.1, 5.0
LOOK_SECONDS = 0.5
DRAIN_SECONDS = 20.0


class Child:
    """One process of a role, started again and again."""

    def __init__(
        self, role: str, command: Sequence[str], *, for_ever: bool = True
    ) -> None:
        self.role = role
        self.command = list(command)
        self.for_ever = for_ever
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self._delay = FIRST_DELAY
        self._not_before = 0.0
        self._started = 0.0

    def tend(self) -> int | None:
        """Start it when it is due; its exit status if it just ended."""
        now = time.monotonic()
        if self.process is not None:
            status = self.process.poll()
            if status is not None:
                self._ended(status, now)
            return status
        if now >= self._not_before:
            self.process = subprocess.Popen(  # noqa: S603 - our own command line
                self.command,
                process_group=0,
                preexec_fn=dying_with(os.getpid(), signal.SIGKILL),
            )
            self._started = now
            self.starts += 1
        return None

    def _ended(self, status: int, now: float) -> None:
        if now - self._started > 2 * LAST_DELAY:
            self._delay = FIRST_DELAY
        log.warning("%s ended (%d); again in %.1f s", self.role, status, self._delay)
        self.process = None
        self._not_before = now + self._delay
        self._delay = min(self._delay * 2, LAST_DELAY)
        if status == 0 and not self.for_ever:
            self._not_before = float("inf")

    def tell(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


class Supervisor:
    """Runs until SIGTERM or SIGINT, then ends the roles one after another."""

    def __init__(
        self, children: Sequence[Child], embedded: Embedded | None, order: Sequence[str]
    ) -> None:
        self.children = children
        self.embedded = embedded
        self.order = order
        self._asked = 0
        self._wake, self._woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> int:
        """The exit status: 0, or that of a child whose first start failed."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, self._heard)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        try:
            if self.embedded is not None:
                self.embedded.tend()
                self.embedded.wait()
            return self._tend()
        finally:
            self._end()

    def _tend(self) -> int:
        while not self._asked:
            if self.embedded is not None:
                self.embedded.tend()
            for child in self.children:
                status = child.tend()
                if status is not None and status > 0 and child.starts == 1:
                    return status  # a mistake of ours or of the settings: no use
            self._sleep(self._next())
        return 0

    def _next(self) -> float:
        """Seconds until something may be due."""
        return (
            FIRST_DELAY if any(not c.process for c in self.children) else LOOK_SECONDS
        )

    def _sleep(self, seconds: float) -> None:
        if select.select([self._wake], [], [], seconds)[0]:
            os.read(self._wake, 4096)

    def _heard(self, number: int, _: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._asked += 1

    def _end(self) -> None:
        for role in self.order:
            self._end_role([c for c in self.children if c.role == role])
        if self.embedded is not None:
            self.embedded.stop()

    def _end_role(self, children: list[Child]) -> None:
        """SIGTERM; once more if we are told once more; SIGKILL when time is out."""
        for child in children:
            child.tell(signal.SIGTERM)
        told, end = self._asked, time.monotonic() + DRAIN_SECONDS
        while any(c.process is not None and c.process.poll() is None for c in children):
            left = end - time.monotonic()
            if left <= 0:
                for child in children:
                    child.tell(signal.SIGKILL)
            elif self._asked > max(told, 1):
                told = self._asked
                for child in children:
                    child.tell(signal.SIGTERM)
            self._sleep(max(0.05, min(left, LOOK_SECONDS)))
