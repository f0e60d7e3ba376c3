"""Pings: one timer a process, not one a connection.

Each second the `{}` of one of 25 slots goes out; who was not heard since the last
one is gone.
"""

import asyncio
from typing import Protocol

from realtime.protocol import PING_SECONDS


class Spoke(Protocol):
    """What turns with the wheel: a connection."""

    def ping(self) -> None: ...


class Wheel:
    """Connections by slot."""

    def __init__(self, seconds: int = PING_SECONDS) -> None:
        self._slots: list[set[Spoke]] = [set() for _ in range(seconds)]
        self._slot_of: dict[Spoke, int] = {}
        self._next = 0
        self._turning: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._slot_of)

    def add(self, spoke: Spoke) -> None:
        """Its first ping comes 25 turns from now."""
        slot = (self._next - 1) % len(self._slots)
        self._slots[slot].add(spoke)
        self._slot_of[spoke] = slot

    def remove(self, spoke: Spoke) -> None:
        if (slot := self._slot_of.pop(spoke, None)) is not None:
            self._slots[slot].discard(spoke)

    def turn(self) -> None:
        """One second has passed."""
        for spoke in list(self._slots[self._next]):
            spoke.ping()
        self._next = (self._next + 1) % len(self._slots)

    def start(self) -> None:
        self._turning = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        if self._turning is not None:
            self._turning.cancel()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(1)
            self.turn()
