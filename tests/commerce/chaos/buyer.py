"""A person with a socket: clicks, and clicks again when no answer comes."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.commerce.chaos.line import Call, Cut, Line, Reply
from tests.commerce.chaos.site import Site
from tests.commerce.chaos.told import Told

PATIENCE = 400
"""So often one thing is tried; then the run is broken."""


class Caller:
    """A user with a socket to some server, and another when that one is cut."""

    def __init__(self, user: int, site: Site, told: Told, seed: str) -> None:
        self.user = user
        self.rng = Random(f"{seed}:{user}")
        self._site = site
        self._told = told
        self._line: Line | None = None

    async def ask(self, calls: Sequence[Call]) -> list[Reply | None]:
        """One exchange: replies in order, None where the socket was cut before."""
        replies: list[Reply | None] = [None] * len(calls)
        try:
            if self._line is None:
                url = self._site.pick(self.rng).url
                self._line = await Line.open(url, self.user)
            replies = await self._line.ask(calls)
            if self._line.is_cut:
                raise Cut
        except Cut:
            self._told.put_off["cut"] += 1
            self._line = None
        return replies

    async def settle(self, method: str, /, **fields: Any) -> Reply:
        """Ask until there is an answer that lasts."""
        for _ in range(PATIENCE):
            (reply,) = await self.ask([(method, fields)])
            if reply is not None and reply.is_final:
                return reply
            await self.pause(reply)
        raise TimeoutError(f"{self.user}: {method} {fields}")

    async def pause(self, reply: Reply | None) -> None:
        if reply is not None and reply.error is not None:
            self._told.put_off[reply.error.name] += 1
        await asyncio.sleep(self.rng.uniform(0.05, 0.3))

    async def leave(self) -> None:
        if self._line is not None:
            await self._line.close()
            self._line = None


class Buyer(Caller):
    """One who wants `wish`: the fields of `order.place` but its key."""

    def __init__(
        self, user: int, site: Site, told: Told, seed: str, wish: dict[str, Any]
    ) -> None:
        super().__init__(user, site, told, seed)
        self._wish = wish
        self._keys = 0

    def new_key(self) -> str:
        self._keys += 1
        return f"{self.user}-{self._keys}"

    async def place(self, keys: Sequence[str], *, anew: bool = True) -> list[Reply]:
        """Click these keys, a key perhaps twice, until each has a verdict that lasts.

        The replies of those that won, a reply a key. `anew`: these keys are new.
        """
        began = time.perf_counter()
        sent: Counter[str] = Counter()
        verdicts: dict[str, Reply] = {}
        waiting = list(keys)
        for _ in range(PATIENCE):
            sent.update(waiting)
            replies = await self.ask([self._call(key) for key in waiting])
            late = None
            for key, reply in zip(waiting, replies, strict=True):
                if reply is None or not reply.is_final:
                    late = late or reply
                    continue
                self._hear(key, reply, again=sent[key] > 1 or not anew)
                if anew and key not in verdicts:
                    self._count(reply, began)
                verdicts[key] = reply
            waiting = [key for key in dict.fromkeys(waiting) if key not in verdicts]
            if not waiting:
                return [reply for reply in verdicts.values() if reply.rpc]
            await self.pause(late)
        raise TimeoutError(f"{self.user}: {waiting}")

    async def ask_again(self, keys: Sequence[str]) -> None:
        """Send keys that have a verdict: no "held" may be answered otherwise now."""
        for first in range(0, len(keys), 5):
            await self.place(keys[first : first + 5], anew=False)

    def _call(self, key: str) -> Call:
        return "order.place", {**self._wish, "key": key}

    def _hear(self, key: str, reply: Reply, *, again: bool) -> None:
        name = self.user, key
        if reply.error is not None:
            self._told.refused(name, reply.error.name, again=again)
        elif reply.rpc is not None:
            self._told.won(name, bytes(reply.rpc.data))

    def _count(self, reply: Reply, began: float) -> None:
        self._told.verdicts[reply.error.name if reply.error else "held"] += 1
        self._told.seconds.append(time.perf_counter() - began)
