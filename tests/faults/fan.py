"""Somebody who stays: comes back by itself, keeps what reliable lanes told it.

`LiveClient` once, with what a client must do: resubscribe after 2500, reconnect after
3010 or a lost socket, each time from where it was.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from realtime.testing import Closed, LiveClient, Refused
from realtime.tokens import Holder, issue_resume

PATIENCE = 60.0
"""Seconds; nothing takes that long but on a machine ten times overloaded."""
AGAIN_SECONDS = 0.05
INSUFFICIENT = 2500


class Fan:
    """`user` on its own channel and on others."""

    def __init__(self, url: str, user: int, *channels: str) -> None:
        self.url = url
        self.user = user
        self.own = f"#{user}"
        self.channels = channels
        self.told: dict[str, list[dict[str, Any]]] = {
            name: [] for name in (self.own, *channels)
        }
        """Channel → events, as they came."""
        self.at: dict[str, tuple[str, int]] = {}
        """Channel → epoch, offset."""
        self.gaps: list[str] = []
        """Channels told not to be recovered."""
        self.closes: list[int] = []
        """How its sockets were ended."""
        self.is_live = asyncio.Event()

    @property
    def pings(self) -> int:
        """How many it had on the socket it has now."""
        return self.client.pings

    @asynccontextmanager
    async def staying(self) -> AsyncIterator["Fan"]:
        """It stays meanwhile; live when this begins."""
        task = asyncio.create_task(self._stay())
        try:
            async with asyncio.timeout(PATIENCE):
                await self.is_live.wait()
            yield self
        finally:
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    async def _stay(self) -> None:
        token = issue_resume(Holder(self.user, 0))
        while True:
            try:
                async with LiveClient(self.url) as self.client:
                    await self._come(token)
                    await self._listen()
            except Closed as closed:
                self.closes.append(closed.code)
            except (Refused, OSError, TimeoutError):
                pass
            self.is_live.clear()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _come(self, token: str) -> None:
        hello = await self.client.connect(token, subs={self.own: self._since(self.own)})
        self._begin(self.own, hello["subs"][self.own])
        for name in self.channels:
            self._begin(name, await self._subscribe(name))
        self.is_live.set()

    async def _subscribe(self, name: str) -> dict[str, Any]:
        while True:
            try:
                return await self.client.subscribe(name, **self._since(name))
            except Refused as refused:
                if not refused.temporary:
                    raise
            await asyncio.sleep(AGAIN_SECONDS)

    def _since(self, name: str) -> dict[str, Any]:
        if name not in self.at:
            return {}
        epoch, offset = self.at[name]
        return {"recover": True, "epoch": epoch, "offset": offset}

    def _begin(self, name: str, reply: dict[str, Any]) -> None:
        if reply.get("was_recovering") and not reply.get("recovered"):
            self.gaps.append(name)
        for publication in reply.get("publications", []):
            self.told[name].append(publication["data"])
        self.at[name] = reply["epoch"], reply.get("offset", 0)

    async def _listen(self) -> None:
        while True:
            try:
                push = await self.client.news()
            except TimeoutError:
                continue  # a quiet room
            name = push.get("channel", "")
            if "pub" in push:
                self.told[name].append(push["pub"]["data"])
                self.at[name] = self.at[name][0], push["pub"]["offset"]
            elif push.get("unsubscribe", {}).get("code") == INSUFFICIENT:
                self.is_live.clear()
                self._begin(name, await self._subscribe(name))
                self.is_live.set()

    async def until_told(self, name: str, wanted: Iterable[Any], key: str) -> None:
        """Until it was told all of these, or that it may have missed some."""
        missing = set(wanted)
        async with asyncio.timeout(PATIENCE):
            while missing - set(self.heard(name, key)) and name not in self.gaps:
                await asyncio.sleep(AGAIN_SECONDS)

    def heard(self, name: str, key: str) -> list[Any]:
        """What events of a channel that have such a field (or their message) say."""
        inner = [event.get("message", event) for event in self.told[name]]
        return [event[key] for event in inner if key in event]
