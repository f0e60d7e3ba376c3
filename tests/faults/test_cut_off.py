"""Signed out, banned, or of the staff no more: out of every process, order or none."""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from redis import Redis

from accounts.models import User
from realtime import db, disconnect, issue_ticket, unsubscribe
from realtime.db import threads
from realtime.embedded import Embedded
from realtime.store import store
from realtime.testing import LiveClient, Refused
from tests.chat.world import a_user
from tests.faults import ROOMS
from tests.live import Server

PEOPLE = {**ROOMS, "SOUK_SIGN_OUTS": "accounts.actions.sign_outs"}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Embedded]:
    with Embedded(tmp_path / "store") as embedded:
        yield embedded


@pytest.fixture
def server(
    mortal: Embedded, tmp_path: Path, settings: Settings, django_db_setup: None
) -> Iterator[Server]:
    settings.REDIS_URL = mortal.url
    made = Server(tmp_path, mortal.url, **PEOPLE)
    yield made
    made.process.send_signal(signal.SIGCONT)
    made.stop()


@pytest.fixture
async def ann(server: Server) -> AsyncIterator[tuple[User, LiveClient]]:
    user = await db(a_user, "ann")
    async with LiveClient(server.url) as client:
        await client.connect(await issue_ticket(user.pk))
        yield user, client
    if (link := store.drop()) is not None:
        await link.close()
    if (pool := threads.drop()) is not None:
        pool.close()


@pytest.fixture
def beside(mortal: Embedded, server: Server, tmp_path: Path) -> Iterator[Server]:
    """A second process of the same house."""
    made = Server(tmp_path, mortal.url, **PEOPLE)
    yield made
    made.stop()


async def test_cut_off_reaches_every_process(
    server: Server, beside: Server, ann: tuple[User, LiveClient]
) -> None:
    people = [ann[0]] + [
        await db(partial(a_user, name, is_staff=True)) for name in ("ben", "cat", "dan")
    ]
    async with AsyncExitStack() as stack:

        async def come(user: User, to: Server) -> LiveClient:
            client = await stack.enter_async_context(LiveClient(to.url))
            await client.connect(await issue_ticket(user.pk))
            if user.is_staff:
                await client.subscribe("staff:1")
            return client

        of_ann, of_ben, of_cat, of_dan = [
            [await come(user, to) for to in (server, beside)] for user in people
        ]
        _, ben, cat, _ = people
        await disconnect(ann[0].pk, 4501)
        await disconnect(ben.pk, 4500)
        await db(User.objects.filter(pk=cat.pk).update, is_staff=False)
        await unsubscribe(cat.pk, ["staff:1"], 2500)
        assert [(await one.wait_closed()).code for one in of_ann] == [4501] * 2
        assert [(await one.wait_closed()).code for one in of_ben] == [4500] * 2
        for one in of_cat:
            told = await one.control("unsubscribe")
            assert (told["channel"], told["unsubscribe"]["code"]) == ("staff:1", 2500)
            with pytest.raises(Refused) as refused:
                await one.subscribe("staff:1")
            assert refused.value.name == "not_found"
        await of_dan[0].rpc("tell.all", {"channel": "staff:1", "first": 1})
        for one in of_dan:
            assert (await one.push("staff:1"))["n"] == 1
        for one in of_cat:
            await one.rpc("who.serves")  # and nothing came before the answer
            assert not one.waiting("staff:1")


async def test_cut_off_holds_when_its_order_is_lost(
    server: Server, mortal: Embedded, ann: tuple[User, LiveClient]
) -> None:
    user, client = ann
    ben = await db(partial(a_user, "ben", is_staff=True))
    async with LiveClient(server.url) as other:
        await other.connect(await issue_ticket(ben.pk))
        await other.subscribe("staff:1")
        server.process.send_signal(signal.SIGSTOP)  # nothing reaches it
        with Redis(unix_socket_path=str(mortal.socket)) as admin:
            admin.client_kill_filter(_type="pubsub")
        await db(User.objects.filter(pk=user.pk).update, sign_outs=1)
        await disconnect(user.pk, 4501)
        await db(User.objects.filter(pk=ben.pk).update, is_staff=False)
        await unsubscribe(ben.pk, ["staff:1"], 2100)
        assert mortal.process is not None
        mortal.process.kill()
        mortal.process.wait()
        mortal.tend()
        mortal.wait()
        server.process.send_signal(signal.SIGCONT)
        # `#<user>` was on the lost link too: it may be told so before who she is is
        # asked, and to come back. Ben may, Ann may not.
        assert (await client.wait_closed()).code in (3010, 4501)
        assert (await other.wait_closed()).code == 3010
    async with LiveClient(server.url) as again:
        assert (await again.connect(other.hello["data"]["resume"]))["client"]
        with pytest.raises(Refused) as refused:
            await again.subscribe("staff:1")
        assert refused.value.name == "not_found"
    async with LiveClient(server.url) as again:
        with pytest.raises(Refused) as refused:
            await again.connect(client.hello["data"]["resume"])
        assert refused.value.code == 109
