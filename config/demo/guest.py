"""One person of the demo: signs in over HTTP, then speaks on the socket.

A guest uses nothing but Souk's public doors, as any browser would.
"""

import uuid
from typing import Any, Self

import httpx
from django.conf import settings

from realtime.testing import LiveClient


class Guest:
    """`async with Guest("ann") as ann: await ann.ask("stream.list", kind="live")`."""

    def __init__(self, username: str) -> None:
        self.username = username
        self.http = httpx.AsyncClient(base_url=settings.SOUK_URL, timeout=10)
        self.live = LiveClient(settings.SOUK_URL)
        self.channels: set[str] = set()

    async def __aenter__(self) -> Self:
        await self._post("/accounts/demo", user=self.username)
        ticket = (await self._post("/accounts/ticket")).json()["ticket"]
        await self.live.open()
        await self.live.connect(ticket)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.live.close()
        await self.http.aclose()

    async def attend(self, channel: str) -> None:
        """Subscribe, once."""
        if channel not in self.channels:
            await self.live.subscribe(channel)
            self.channels.add(channel)

    async def ask(self, method: str, /, **fields: Any) -> dict[str, Any]:
        """A question; the reply as it came. Raises `Refused`."""
        return await self.live.rpc(method, fields)

    async def do(self, method: str, /, **fields: Any) -> dict[str, Any]:
        """A mutating command under a key of its own, unless one is given."""
        return await self.ask(method, **{"key": uuid.uuid4().hex, **fields})

    async def pay(self, address: str) -> None:
        """Open the bank's page and press its button."""
        page = await self.http.get(address)
        page.raise_for_status()
        await self._post(str(page.url), do="pay")

    async def _post(self, path: str, **form: str) -> httpx.Response:
        if "csrftoken" not in self.http.cookies:
            (await self.http.get("/accounts/sign-in")).raise_for_status()
        token = self.http.cookies["csrftoken"]
        answer = await self.http.post(path, data=form, headers={"X-CSRFToken": token})
        if answer.status_code >= 400:
            answer.raise_for_status()
        return answer
