"""Publishing sessions before they show."""

import httpx
import pytest

from accounts.models import User
from realtime import db
from realtime.exceptions import CommandError
from streams.actions import ingests, keys
from streams.models import Ingest, Role, Stream
from tests.live import Connect
from tests.streams.conftest import new_key
from tests.streams.live import MediaProcess
from tests.streams.test_whip import publish

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


def test_a_key_revoked_since_it_was_shown_opens_nothing(
    stream: Stream, node: str
) -> None:
    publisher = ingests.authenticate(new_key(stream.host, stream))
    assert publisher is not None and publisher.key is not None
    keys.revoke_key(stream.host_id, publisher.key)
    with pytest.raises(CommandError, match="not_found"):
        ingests.open_ingest(publisher, stream.pk, "a test")
    assert not Ingest.objects.exists()


async def test_what_a_moderator_is_told_does_not_let_them_cut_the_host_off(
    http: httpx.AsyncClient,
    connect: Connect,
    stream: Stream,
    secret: str,
    friend: User,
    media: MediaProcess,
) -> None:
    part = {"host": stream.host, "stream": stream, "user": friend}
    await db(lambda: Role.objects.create(role="moderator", **part))
    moderator = await connect(friend)
    await moderator.subscribe(f"staff:{stream.pk}")
    await publish(http, stream, secret)
    opened = await moderator.push(f"staff:{stream.pk}", "ingest.opened")
    answer = await http.delete(f"/whip/session/{opened['ingest']}")
    assert answer.status_code == 404
    assert (await db(Ingest.objects.get)).state == "connecting"


async def test_a_session_s_address_with_a_nul_in_it_is_unknown(
    http: httpx.AsyncClient, media: MediaProcess
) -> None:
    for door in ("whip", "whep"):
        answer = await http.delete(f"/{door}/session/%00")
        assert answer.status_code == 404
