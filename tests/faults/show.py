"""An evening that goes on while the store is broken: letters, sales, the shelf.

Real rooms on real web processes and a database of their own (another server's sweep
would send their outbox). The host acts on the first process, the others on the last.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.core.management import call_command

from realtime.testing import Closed, LiveClient, Refused
from realtime.tokens import Holder, issue_resume
from tests.chat.world import a_conversation, a_user
from tests.commerce.conftest import key, open_show
from tests.commerce.test_race import body
from tests.faults.fan import PATIENCE, Fan
from tests.faults.serving import copied_database
from tests.live import Server, free_port
from tests.realtime.inner import Inner

UNAVAILABLE = 108
STEP_SECONDS = 0.25
"""Between two doings of one kind: what a person's bucket fills."""


@dataclass
class Done:
    """What was accepted, how long each took, and what was refused."""

    keys: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


class Site:
    """Web processes on one database, one for each way to the store."""

    def __init__(self, folder: Path, *store_urls: str) -> None:
        show = open_show(left=10_000)
        self.stream, self.host = show.stream.pk, show.host.pk
        self.wish = body(show.order())
        del self.wish["key"]
        ann, ben = a_user("ann"), a_user("ben")
        self.ann, self.ben = ann.pk, ben.pk
        self.talk = a_conversation(ann, ben)
        self.buyer, *self.viewers = (user.pk for user in show.buyers(30))
        self.database = f"sqlite:///{copied_database(folder)}"
        # Ids must go on: servers of other tests remember what belongs to which.
        call_command("flush", interactive=False, verbosity=0, reset_sequences=False)
        self.deals = f"deals:{self.stream}"
        self.ports = [free_port() for _ in store_urls]

        def serve(store_url: str, port: int) -> Server:
            return Server(
                folder,
                store_url,
                DATABASE_URL=self.database,
                SOUK_ADMIN_PORT=str(port),
                SOUK_PING_SECONDS="1",
            )

        with ThreadPoolExecutor() as at_once:
            self.servers = list(at_once.map(serve, store_urls, self.ports))

    def close(self) -> None:
        """Every process ends well, and the books of all rooms are true."""
        with ThreadPoolExecutor() as at_once:
            statuses = list(at_once.map(Server.stop, self.servers))
            assert set(statuses) == {0}, self.servers[-1].log.read_text()
            for audit in at_once.map(self._audit, ("chat", "commerce")):
                assert audit.returncode == 0, audit.stdout + audit.stderr

    def _audit(self, room: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "config.cli", f"audit_{room}"],
            env={
                **os.environ,
                "SOUK_DEBUG": "1",
                "SOUK_SECRET": settings.SECRET_KEY,
                "DATABASE_URL": self.database,
            },
            capture_output=True,
            text=True,
        )

    async def until_ready(self) -> None:
        for port in self.ports:
            await Inner(port).until_ok()

    def links_lost(self) -> int:
        """So often its last process wrote that it lost a link."""
        return self.servers[-1].log.read_text().count("link lost")

    async def until_noticed(self) -> float:
        """Seconds until the last process said on its admin port what is wrong."""
        began = time.monotonic()
        await Inner(self.ports[-1]).until_trouble("store")
        return time.monotonic() - began


class Doer:
    """Somebody who asks again, with the same key, when the socket was lost."""

    def __init__(self, site: Site, user: int, at: int = -1) -> None:
        self._url = site.servers[at].url
        self._token = issue_resume(Holder(user, 0))

    async def __aenter__(self) -> Self:
        self.client = LiveClient(self._url)
        await self.client.open()
        await self.client.connect(self._token)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def do(self, method: str, key: str, **fields: Any) -> dict[str, Any]:
        """Raises `Refused`."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await self.client.rpc(method, {**fields, "key": key})
                except Closed:
                    await self._come_again()

    async def _come_again(self) -> None:
        while True:
            try:
                await self.__aenter__()
                return
            except (Closed, Refused, OSError):
                await asyncio.sleep(STEP_SECONDS)


class Evening:
    """One show's doings, from when it begins until `end`."""

    def __init__(self, site: Site, ann: Doer, host: Doer, buyer: Doer):
        self.site = site
        self.letters, self.turns, self.buys = Done(), Done(), Done()
        self._over = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._repeat(done, act))
            for done, act in (
                (self.letters, self._write(ann)),
                (self.turns, self._explain(host)),
                (self.buys, self._buy(buyer)),
            )
        ]

    async def end(self) -> None:
        """The last of each is answered."""
        self._over.set()
        await asyncio.gather(*self._tasks)

    async def more(self, done: Done, count: int = 3) -> None:
        """Until so many more were accepted."""
        wanted = len(done.keys) + count
        async with asyncio.timeout(PATIENCE):
            while len(done.keys) < wanted:
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(STEP_SECONDS)

    async def _repeat(self, done: Done, act: Callable[[str], Awaitable[Any]]) -> None:
        while not self._over.is_set():
            made, began = key(), time.monotonic()
            try:
                await act(made)
            except Refused as refused:
                done.refusals.append(f"{refused.code} {refused.name} {refused.data}")
            else:
                done.keys.append(made)
                done.seconds.append(time.monotonic() - began)
            with suppress(TimeoutError):
                async with asyncio.timeout(STEP_SECONDS):
                    await self._over.wait()

    def _write(self, ann: Doer) -> Callable[[str], Awaitable[Any]]:
        talk = self.site.talk
        return lambda made: ann.do("message.send", made, conversation=talk, text=made)

    def _explain(self, host: Doer) -> Callable[[str], Awaitable[Any]]:
        item = {"stream": self.site.stream, "number": 1}
        return lambda made: host.do(
            "shelf.explain", made, **item, on=len(self.turns.keys) % 2 == 0
        )

    def _buy(self, buyer: Doer) -> Callable[[str], Awaitable[Any]]:
        """And give it back: a person may hold but a few."""

        async def act(made: str) -> None:
            held = await buyer.do("order.place", made, **self.site.wish)
            await buyer.do("order.cancel", made, order=held["order"])

        return act


@asynccontextmanager
async def evening(site: Site) -> AsyncIterator[tuple[Evening, list[Fan]]]:
    """It goes on meanwhile. Ben listens at the last process, a viewer at each."""
    await site.until_ready()
    async with AsyncExitStack() as stay:
        fans = [Fan(site.servers[-1].url, site.ben, site.deals)]
        # Newcomers: the last fault may have left them an epoch that is over.
        fans += [
            Fan(server.url, site.viewers.pop(), site.deals) for server in site.servers
        ]
        for fan in fans:
            await stay.enter_async_context(fan.staying())
        doers = [
            await stay.enter_async_context(Doer(site, user, at))
            for user, at in ((site.ann, -1), (site.host, 0), (site.buyer, -1))
        ]
        goes_on = Evening(site, *doers)
        await goes_on.more(goes_on.letters)
        await goes_on.more(goes_on.turns, 1)
        yield goes_on, fans
        await goes_on.end()
        await judge(goes_on, fans)


async def judge(seen: Evening, fans: list[Fan]) -> None:
    """Nothing refused; nothing lost but what was told; nothing twice; all in order."""
    site, ben = seen.site, fans[0]
    for done in (seen.letters, seen.turns, seen.buys):
        assert done.refusals == []
    await ben.until_told(ben.own, seen.letters.keys, "text")
    in_order(ben.heard(ben.own, "text"), seen.letters.keys, ben.own in ben.gaps)
    async with Doer(site, site.ben) as fresh:
        now = await fresh.client.subscribe(site.deals)
        talk = {"conversation": site.talk}
        page = await fresh.client.rpc("conversation.history", talk)
    stored = [message["text"] for message in page["messages"]]
    assert set(seen.letters.keys[-20:]) <= set(stored)
    versions = [await until_at(fan, site.deals, now["offset"]) for fan in fans]
    for fan, heard in zip(fans, versions, strict=True):
        assert heard == sorted(set(heard)), "twice, or out of order"
        if site.deals not in fan.gaps:
            assert heard[-1] - heard[0] == len(heard) - 1, "a hole nobody told of"
    async with Doer(site, site.buyer) as buyer:
        for made in seen.buys.keys[-3:]:  # its key finds the order it made
            assert (await buyer.do("order.place", made, **site.wish))["order"]


def in_order(heard: list[str], sent: list[str], with_gap: bool) -> None:
    places = [sent.index(text) for text in heard if text in sent]
    assert places == sorted(set(places)), "twice, or out of order"
    if not with_gap:
        assert places == list(range(len(sent)))


async def until_at(fan: Fan, name: str, offset: int) -> list[int]:
    """What versions it was told once it is where a newcomer begins."""
    async with asyncio.timeout(PATIENCE):
        while fan.at.get(name, ("", -1))[1] != offset:
            await asyncio.sleep(STEP_SECONDS)
    return fan.heard(name, "version")
