"""Whom the hub asks, and whom it tells on behalf of the process. Pure.

Neighbours: broker.py is the source, healing.py asks more of it, orders.py is a tap.
"""

from typing import Protocol

from realtime.recovery import History, Publication


class Source(Protocol):
    """What the hub needs of the broker. Calls of one name take effect in order."""

    async def subscribe(self, names: list[str]) -> None: ...
    async def unsubscribe(self, names: list[str]) -> None: ...
    async def history(
        self, name: str, since: int | None, limit: int, *, reverse: bool = False
    ) -> History: ...
    async def latest(self, name: str) -> dict[str, bytes]: ...


class Tap(Protocol):
    """Who reads a channel on behalf of the process."""

    def hear(self, publication: Publication) -> None: ...
    def missed(self) -> None: ...
