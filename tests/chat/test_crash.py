"""A web process dies on either side of the commit of a message."""

import pytest

from accounts.models import User
from chat.models import Message
from realtime import db
from realtime.db import threads
from realtime.testing import Closed, LiveClient
from tests.chat.world import a_conversation, a_user
from tests.live import Connect, Spawn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]


@pytest.fixture
def ann() -> User:
    return a_user("ann")


@pytest.fixture
def ben() -> User:
    return a_user("ben")


@pytest.fixture
def talk(ann: User, ben: User) -> int:
    return a_conversation(ann, ben)


async def texts(client: LiveClient, name: str, last: str) -> list[str]:
    """What a reconnected client is told, up to a text: recovered, then pushed."""
    held = client.hello["subs"][name].get("publications", [])
    seen = [pub["data"]["message"]["text"] for pub in held]
    while last not in seen:
        event = await client.push(name, "message.sent")
        seen.append(event["message"]["text"])
    return seen


@pytest.mark.both_databases
@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
async def test_a_message_is_there_once_after_a_kill_around_its_commit(
    connect: Connect,
    spawn_server: Spawn,
    ann: User,
    ben: User,
    talk: int,
    point: str,
) -> None:
    doomed = spawn_server(SOUK_FAILPOINTS=f"messages.{point}=kill@1")
    sender = await connect(ann, to=doomed)
    receiver = await connect(ben, to=doomed)
    name = f"#{ben.pk}"
    at = receiver.hello["subs"][name]
    since = {"recover": True, "epoch": at["epoch"], "offset": at.get("offset", 0)}
    command = {"key": "k", "conversation": talk, "text": "still there?"}
    with pytest.raises(Closed):
        await sender.rpc("message.send", command)
    await receiver.wait_closed()
    doomed.kill()  # it is dead: only to clear it away
    stored = await db(Message.objects.filter(conversation=talk).count)
    assert stored == (1 if point == "after_commit" else 0)

    back = await connect(ben, subs={name: since})
    if point == "after_commit":
        assert await texts(back, name, "still there?") == ["still there?"]
    again = await connect(ann)
    assert (await again.rpc("message.send", command))["seq"] == 1
    await again.rpc("message.send", {**command, "key": "k2", "text": "second"})
    seen = await texts(back, name, "second")
    assert seen == ["still there?", "second"][-len(seen) :]
    assert len(seen) == (1 if point == "after_commit" else 2)
    assert await db(Message.objects.filter(conversation=talk).count) == 2
    if (pool := threads.drop()) is not None:
        pool.close()
