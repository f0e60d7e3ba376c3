"""One key, sent again: at once, in another process, days later, after a restart."""

import asyncio
from datetime import timedelta

import pytest
from django.db.models import F

from accounts.models import Follow, User
from realtime.models import Answered
from realtime.testing import LiveClient, Refused
from tests.live import Connect, Spawn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]

AGAIN_SECONDS = 0.05


@pytest.fixture
def host() -> User:
    return User.objects.create_user("host")


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


async def follow(
    client: LiveClient, host: User, key: str = "k", *, on: bool = True
) -> dict[str, object]:
    """Asked again for as long as nobody has the time: the same key is safe."""
    while True:
        try:
            body = {"key": key, "user": host.pk, "on": on}
            return await client.rpc("follow.set", body)
        except Refused as refusal:
            if not refusal.temporary:
                raise
            await asyncio.sleep(AGAIN_SECONDS)


async def test_same_key_from_five_sockets_of_two_processes_is_one_act_for_ever(
    connect: Connect, spawn_server: Spawn, host: User, ann: User
) -> None:
    beside = spawn_server()
    sockets = [await connect(ann) for _ in range(3)]
    sockets += [await connect(ann, to=beside) for _ in range(2)]
    fifty = (follow(socket, host) for _ in range(10) for socket in sockets)
    told = await asyncio.gather(*fifty)
    assert told == [{"following": True, "followers": 1}] * 50
    assert await Follow.objects.acount() == 1
    assert await Answered.objects.acount() == 1
    # Days pass, things move on, a process dies and another takes its place.
    await follow(sockets[0], host, "another", on=False)
    await Answered.objects.aupdate(at=F("at") - timedelta(days=2))
    beside.kill()
    later = await connect(ann, to=spawn_server())
    assert await follow(later, host) == told[0]
    assert await Follow.objects.acount() == 0
    with pytest.raises(Refused) as refused:
        await follow(later, host, on=False)
    assert (refused.value.code, refused.value.data) == (470, {"method": "follow.set"})


async def test_same_key_refused_may_be_allowed_later(
    connect: Connect, host: User, ann: User
) -> None:
    client = await connect(ann)
    await User.objects.filter(pk=host.pk).aupdate(is_active=False)
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await follow(client, host)
        assert refused.value.name == "not_found"
    assert not await Answered.objects.aexists()
    await User.objects.filter(pk=host.pk).aupdate(is_active=True)
    assert await follow(client, host) == {"following": True, "followers": 1}
