"""Chat as clients meet it: over real sockets."""

from typing import Any

import pytest

from accounts.models import User
from realtime.testing import Refused
from tests.chat.world import a_conversation, a_key, a_user, opened, say
from tests.live import Connect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann() -> User:
    return a_user("ann")


@pytest.fixture
def ben() -> User:
    return a_user("ben")


@pytest.fixture
def host() -> User:
    return a_user("host")


@pytest.fixture
def talk(ann: User, ben: User) -> int:
    return a_conversation(ann, ben)


@pytest.fixture
def said(ann: User, talk: int) -> int:
    """A conversation with a message of Ann's in it."""
    say(ann, talk)
    return talk


@pytest.fixture
def quiet(ann: User) -> User:
    """Somebody who reads privately, and has a message of Ann's to read."""
    quiet = a_user("quiet", private_read=True)
    talk = opened(quiet, ann)
    say(quiet, talk)
    say(ann, talk)
    return quiet


def a_message(talk: int, text: str = "hello", **fields: Any) -> dict[str, Any]:
    return {"key": a_key(), "conversation": talk, "text": text, **fields}


async def test_a_message_appears_on_every_device_of_both(
    connect: Connect, ann: User, ben: User, talk: int
) -> None:
    phone, desk = await connect(ann), await connect(ann, codec="msgpack")
    theirs = await connect(ben)
    command = a_message(talk, "hello", key="k-1")
    sent = await phone.rpc("message.send", command)
    assert (sent["seq"], sent["rev"]) == (1, 1)
    for device, user in ((phone, ann), (desk, ann), (theirs, ben)):
        event = await device.push(f"#{user.pk}", "message.sent")
        assert event["conversation"] == talk
        assert event["message"]["text"] == "hello"
        assert event["message"]["key"] == "k-1"
        assert event["message"]["at"] == sent["at"]
    assert await desk.rpc("message.send", command) == sent
    await theirs.rpc("message.send", a_message(talk, "hi"))
    assert (await phone.push(type="message.sent"))["seq"] == 2
    assert not phone.waiting(f"#{ann.pk}")


async def test_reading_on_one_device_clears_the_other(
    connect: Connect, ann: User, ben: User, said: int
) -> None:
    talk = said
    first = await connect(ben, data={"chat": True})
    second = await connect(ben)
    peer = await connect(ann)
    chat = first.hello["data"]["chat"]
    assert chat["total_unread"] == 1
    row = dict(zip(chat["columns"], chat["heads"][0], strict=True))
    assert (row["conversation"], row["head_seq"], row["read"]) == (talk, 1, 0)
    marked = await first.rpc("conversation.mark", {"conversation": talk, "read_seq": 1})
    assert marked == {"read_seq": 1, "delivered_seq": 1}
    for device in (first, second, peer):
        event = await device.push(type="conversation.cursor")
        assert (event["user"], event["read"]) == (ben.pk, 1)
    again = await connect(ben, data={"chat": True})
    assert again.hello["data"]["chat"].get("total_unread", 0) == 0


async def test_who_does_not_ask_for_heads_and_who_lost_nothing_pays_nothing(
    connect: Connect, ann: User, said: int
) -> None:
    plain = await connect(ann)
    assert "chat" not in plain.hello["data"]
    name = f"#{ann.pk}"
    at = plain.hello["subs"][name]
    since = {"recover": True, "epoch": at["epoch"], "offset": at.get("offset", 0)}
    back = await connect(ann, data={"chat": True}, subs={name: since})
    assert back.hello["subs"][name]["recovered"]
    assert "chat" not in back.hello["data"]
    stale = {**since, "epoch": "gone"}
    lost = await connect(ann, data={"chat": True}, subs={name: stale})
    assert lost.hello["data"]["chat"]["heads"]


async def test_a_viewer_writes_to_a_host_who_does_not_know_them(
    connect: Connect, ann: User, host: User
) -> None:
    viewer, inbox = await connect(ann), await connect(host)
    reply = await viewer.rpc("conversation.open", {"key": "o", "user": host.pk})
    talk = reply["conversation"]
    await viewer.rpc("message.send", a_message(talk, "is it silk?"))
    event = await inbox.push(f"#{host.pk}", "conversation.requested")
    assert (event["conversation"], event["name"]) == (talk, "Ann")
    box = await inbox.rpc("conversation.list", {"box": "requests"})
    assert box["items"][0]["last"]["text"] == "is it silk?"
    page = await inbox.rpc("conversation.sync", {"conversation": talk, "after_rev": 0})
    assert [message["text"] for message in page["messages"]] == ["is it silk?"]
    assert page["conversation"]["peer"] == {"user": ann.pk, "name": "Ann"}
    await inbox.rpc("message.send", a_message(talk, "it is"))
    await viewer.push(type="message.sent")
    assert (await viewer.push(type="message.sent"))["message"]["text"] == "it is"


async def test_another_s_conversation_and_none_are_the_same_bytes(
    connect: Connect, talk: int, host: User
) -> None:
    eve = await connect(host)
    for method, fields in (
        ("message.send", {"key": "k", "text": "let me in"}),
        ("conversation.sync", {"after_rev": 0}),
        ("conversation.history", {}),
        ("conversation.mark", {"read_seq": 1}),
    ):
        answers = []
        for conversation in (talk, talk + 10_000):
            body = {"conversation": conversation, **fields}
            with pytest.raises(Refused) as caught:
                await eve.rpc(method, body)
            answers.append(caught.value.args)
        assert answers == [(404, "not_found")] * 2


@pytest.mark.parametrize(
    ("method", "change", "path"),
    [
        ("message.send", {"key": None}, "key"),
        ("message.send", {"key": "no spaces"}, "key"),
        ("message.send", {"key": "x" * 65}, "key"),
        ("message.send", {"text": ""}, "text"),
        ("message.send", {"text": " \n "}, "text"),
        ("message.send", {"text": "a\x00b"}, "text"),
        ("message.send", {"text": "x" * 4001}, "text"),
        ("message.send", {"text": 7}, "text"),
        ("message.send", {"text": ["a"]}, "text"),
        ("message.send", {"kind": "image"}, "kind"),
        ("message.send", {"conversation": "1"}, "conversation"),
        ("message.send", {"conversation": 0}, "conversation"),
        ("message.send", {"conversation": 2**60}, "conversation"),
        ("message.send", {"reply_to": -1}, "reply_to"),
        ("conversation.sync", {"after_rev": -1}, "after_rev"),
        ("conversation.sync", {"limit": 201}, "limit"),
        ("conversation.history", {"limit": 0}, "limit"),
        ("conversation.mark", {"read_seq": 1.5}, "read_seq"),
        ("conversation.list", {"box": "spam"}, "box"),
        ("conversation.open", {"user": "ben"}, "user"),
        ("comment.send", {"text": "x" * 201}, "text"),
        ("comment.send", {"text": "a\nb"}, "text"),
        ("comment.send", {"stream": True}, "stream"),
        ("comment.pin", {"id": "../../etc/passwd"}, "id"),
        ("comment.remove", {"ids": []}, "ids"),
        ("comment.remove", {"ids": ["AAAAAAAAAAAAAAAA"] * 101}, "ids"),
        ("like.send", {"total": -1}, "total"),
        ("like.send", {"total": 2**54}, "total"),
    ],
)
async def test_bad_input_is_told_by_field(
    connect: Connect, ann: User, method: str, change: dict[str, Any], path: str
) -> None:
    good: dict[str, dict[str, Any]] = {
        "message.send": {"key": "k", "conversation": 1, "text": "hi"},
        "conversation.sync": {"conversation": 1, "after_rev": 0},
        "conversation.history": {"conversation": 1},
        "conversation.mark": {"conversation": 1},
        "conversation.list": {},
        "conversation.open": {"key": "k", "user": 1},
        "comment.send": {"key": "k", "stream": 1, "text": "hi"},
        "comment.pin": {"key": "k", "stream": 1, "id": "A" * 16, "on": True},
        "comment.remove": {"key": "k", "stream": 1, "ids": ["A" * 16]},
        "like.send": {"stream": 1, "total": 1},
    }
    client = await connect(ann)
    with pytest.raises(Refused) as caught:
        await client.rpc(method, {**good[method], **change})
    assert (caught.value.code, caught.value.name) == (107, "bad_request")
    assert path in caught.value.data["path"]


async def test_missing_and_unknown_fields_are_told(connect: Connect, ann: User) -> None:
    client = await connect(ann)
    for body in (
        {"conversation": 1, "text": "hi"},
        {"key": "k", "conversation": 1, "text": "hi", "seq": 4},
    ):
        with pytest.raises(Refused) as caught:
            await client.rpc("message.send", body)
        assert caught.value.name == "bad_request"


async def test_only_the_signed_in_may_speak(connect: Connect, talk: int) -> None:
    nobody = await connect()
    for method, body in (
        ("message.send", a_message(talk)),
        ("conversation.list", {}),
        ("conversation.open", {"key": "k", "user": 1}),
        ("comment.send", {"key": "k", "stream": 1, "text": "hi"}),
        ("comment.pin", {"key": "k", "stream": 1, "id": "A" * 16, "on": True}),
        ("like.send", {"stream": 1, "total": 1}),
    ):
        with pytest.raises(Refused) as caught:
            await nobody.rpc(method, body)
        assert (caught.value.code, caught.value.name) == (101, "unauthorized")


async def test_messages_are_limited_to_bursts_of_twenty(
    connect: Connect, ann: User, talk: int
) -> None:
    client = await connect(ann)
    for _ in range(20):
        await client.rpc("message.send", a_message(talk))
    with pytest.raises(Refused) as caught:
        for _ in range(10):
            await client.rpc("message.send", a_message(talk))
    assert (caught.value.code, caught.value.temporary) == (111, True)
    assert caught.value.data["retry_after_ms"] > 0


async def test_a_private_reader_is_in_no_byte_the_other_gets(
    connect: Connect, ann: User, quiet: User
) -> None:
    reader, writer = await connect(quiet), await connect(ann)
    (item,) = (await reader.rpc("conversation.list"))["items"]
    talk = item["id"]
    await reader.rpc("conversation.mark", {"conversation": talk, "delivered_seq": 2})
    await reader.rpc("conversation.mark", {"conversation": talk, "read_seq": 2})
    assert (await reader.push(type="conversation.cursor"))["read"] == 1
    assert (await reader.push(type="conversation.cursor"))["read"] == 2
    await reader.rpc("message.send", a_message(talk, "after"))
    told = await writer.push(type="conversation.cursor")
    assert "read" not in told and told["delivered"] == 2
    await writer.push(type="message.sent")
    assert not writer.waiting(f"#{ann.pk}")
