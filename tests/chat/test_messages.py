"""The send transaction: numbers without a hole, one message a key."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.actions.messages import send_message
from chat.commands.messages import SendMessage, Sent
from chat.models import Conversation, Member, Message
from realtime import CommandError
from tests.chat.world import (
    a_conversation,
    a_follow,
    a_user,
    at_once,
    opened,
    pushes,
    say,
)

pytestmark = pytest.mark.django_db


def refusal(caught: pytest.ExceptionInfo[CommandError]) -> tuple[str, dict[str, Any]]:
    return caught.value.name, caught.value.data


def test_messages_are_numbered_and_pushed_to_both() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    sent = [say(ann, talk, "one"), say(ben, talk, "two"), say(ann, talk, "three")]
    assert [(one.seq, one.rev) for one in sent] == [(1, 1), (2, 2), (3, 3)]
    assert sent[0].at <= sent[1].at <= sent[2].at
    for user in (ann, ben):
        told = pushes(user)
        assert [push["type"] for push in told] == ["message.sent"] * 3
        assert [push["message"]["text"] for push in told] == ["one", "two", "three"]
        assert [push["seq"] for push in told] == [1, 2, 3]
    assert pushes(ann) == pushes(ben)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_many_at_once_leave_no_hole() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    jobs = [
        lambda n=n: say((ann, ben)[n % 2], talk, f"line {n}") for n in range(8 * 15)
    ]
    answers = at_once(jobs)
    assert sorted(one.seq for one in answers if isinstance(one, Sent)) == list(
        range(1, 121)
    )
    rows = Message.objects.filter(conversation=talk).order_by("seq")
    assert [row.seq for row in rows] == list(range(1, 121))
    assert [row.rev for row in rows] == list(range(1, 121))
    times = [row.created_at for row in rows]
    assert times == sorted(times)
    assert [push["seq"] for push in pushes(ben)] == list(range(1, 121))


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_one_key_fifty_times_at_once_is_one_message() -> None:
    ann, ben, eve = a_user("ann"), a_user("ben"), a_user("eve")
    talk, other = a_conversation(ann, ben), a_conversation(ann, eve)
    jobs = [
        lambda n=n: say(ann, (talk, other)[n % 2], "once", key="k") for n in range(50)
    ]
    answers = at_once(jobs)
    sent = [one for one in answers if isinstance(one, Sent)]
    reused = [one.name for one in answers if isinstance(one, CommandError)]
    assert len(sent) == 25 and len({one.at for one in sent}) == 1
    assert reused == ["key_reused"] * 25
    assert Message.objects.count() == 1
    won = Message.objects.get().conversation_id
    assert {one.seq for one in sent} == {1}
    assert say(ann, won, "next").seq == 2
    assert say(ann, talk if won == other else other, "first").seq == 1


def test_the_same_key_gives_the_first_answer_whatever_happened_since() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = opened(ann, ben)
    first = say(ann, talk, "hello", key="k")
    Member.objects.filter(user=ben).update(state=Member.State.DECLINED)
    Conversation.objects.update(closed_at="2026-01-01T00:00Z")
    assert say(ann, talk, "hello", key="k") == first
    assert Message.objects.count() == 1


def test_a_key_with_another_text_is_refused() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    say(ann, talk, "hello", key="k")
    with pytest.raises(CommandError) as caught:
        say(ann, talk, "good bye", key="k")
    assert refusal(caught) == ("key_reused", {"method": "message.send"})
    assert [row.text for row in Message.objects.all()] == ["hello"]
    assert say(ben, talk, "hello", key="k").seq == 2


def test_an_emptied_message_still_answers_for_its_key() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    first = say(ann, talk, "hello", key="k")
    Message.objects.update(text="", digest=b"")
    assert say(ann, talk, "anything", key="k") == first


def test_a_refused_message_uses_up_no_number_and_no_key() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    say(ann, talk)
    with pytest.raises(CommandError) as caught:
        say(ann, talk, "hello", key="k", reply_to=2)
    assert refusal(caught)[0] == "bad_request"
    assert Conversation.objects.get().head_seq == 1
    assert say(ann, talk, "hello", key="k", reply_to=1).seq == 2
    assert pushes(ben)[-1]["message"]["reply_to"] == 1


def test_someone_else_s_conversation_and_none_look_alike() -> None:
    ann, ben, eve = a_user("ann"), a_user("ben"), a_user("eve")
    talk = a_conversation(ann, ben)
    refusals = []
    for conversation in (talk, talk + 1000):
        with pytest.raises(CommandError) as caught:
            say(eve, conversation)
        refusals.append((caught.value.code, caught.value.message))
    assert refusals == [(404, "not_found")] * 2
    assert Conversation.objects.get().head_seq == 0


def test_a_closed_conversation_tells_only_its_members() -> None:
    ann, ben, eve = a_user("ann"), a_user("ben"), a_user("eve")
    talk = a_conversation(ann, ben)
    Conversation.objects.update(closed_at="2026-01-01T00:00Z")
    for user, name in ((ann, "closed"), (eve, "not_found")):
        with pytest.raises(CommandError) as caught:
            say(user, talk)
        assert caught.value.name == name


def test_a_stranger_may_write_three_times_and_is_told_of_once() -> None:
    ann, host = a_user("ann"), a_user("host")
    talk = opened(ann, host)
    for _ in range(3):
        say(ann, talk)
    with pytest.raises(CommandError) as caught:
        say(ann, talk)
    assert refusal(caught) == ("request_quota", {"max": 3})
    assert pushes(host) == [
        {
            "type": "conversation.requested",
            "conversation": talk,
            "user": ann.pk,
            "name": "Ann",
        }
    ]
    assert len(pushes(ann)) == 3


def test_an_answer_lifts_a_request() -> None:
    ann, host = a_user("ann"), a_user("host")
    talk = opened(ann, host)
    for _ in range(3):
        say(ann, talk)
    say(host, talk, "welcome")
    assert say(ann, talk, "thanks").seq == 5
    assert pushes(host)[-1]["message"]["text"] == "thanks"


def test_a_follow_found_at_send_lifts_a_request() -> None:
    ann, host = a_user("ann"), a_user("host")
    talk = opened(ann, host)
    for _ in range(3):
        say(ann, talk)
    a_follow(host, ann)
    say(ann, talk, "fourth")
    assert pushes(host)[-1]["message"]["text"] == "fourth"
    assert Member.objects.get(user=host).state == Member.State.ACTIVE


@pytest.mark.parametrize("why", ["declined", "gone"])
def test_declined_and_gone_are_refused_alike(why: str) -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    if why == "declined":
        Member.objects.filter(user=ben).update(state=Member.State.DECLINED)
    else:
        ben.is_active = False
        ben.save()
    with pytest.raises(CommandError) as caught:
        say(ann, talk)
    assert refusal(caught) == ("not_delivered", {})


def test_a_send_is_seven_statements() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    command = SendMessage(key="k", conversation=talk, text="hello")
    with CaptureQueriesContext(connection) as queries:
        send_message(ann.pk, command)
    # Savepoints stand for BEGIN and COMMIT here: open, count, read, insert, cursor,
    # outbox, close.
    assert len(queries) == 7
    assert sum(query["sql"].startswith(("INSERT", "UPDATE")) for query in queries) == 4
