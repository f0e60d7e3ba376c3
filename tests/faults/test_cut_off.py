"""A sign-out whose order is lost, with the store that held it, ends sockets still."""

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from redis import Redis

from accounts.models import User
from realtime import db, disconnect, issue_ticket
from realtime.db import threads
from realtime.embedded import Embedded
from realtime.store import store
from realtime.testing import LiveClient, Refused
from tests.chat.world import a_user
from tests.faults import ROOMS
from tests.live import Server

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
    people = {**ROOMS, "SOUK_SIGN_OUTS": "accounts.actions.sign_outs"}
    made = Server(tmp_path, mortal.url, **people)
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


async def test_cut_off_holds_when_its_order_is_lost(
    server: Server, mortal: Embedded, ann: tuple[User, LiveClient]
) -> None:
    user, client = ann
    ben = await db(a_user, "ben")
    async with LiveClient(server.url) as other:
        await other.connect(await issue_ticket(ben.pk))
        server.process.send_signal(signal.SIGSTOP)  # nothing reaches it
        with Redis(unix_socket_path=str(mortal.socket)) as admin:
            admin.client_kill_filter(_type="pubsub")
        await db(User.objects.filter(pk=user.pk).update, sign_outs=1)
        await disconnect(user.pk, 4501)
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
    async with LiveClient(server.url) as again:
        with pytest.raises(Refused) as refused:
            await again.connect(client.hello["data"]["resume"])
        assert refused.value.code == 109
