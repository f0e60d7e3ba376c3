"""Opening, listing, catching up, cursors."""

from functools import partial

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from chat.actions.conversations import list_conversations, open_conversation
from chat.actions.cursors import mark
from chat.actions.syncing import heads, history, sync
from chat.commands.conversations import (
    ConversationHistory,
    Head,
    ListConversations,
    MarkConversation,
    Marked,
    OpenConversation,
    SyncConversation,
    Synced,
)
from chat.models import Conversation, Member
from chat.unread import unread
from realtime import CommandError
from tests.chat.world import (
    a_conversation,
    a_follow,
    a_key,
    a_user,
    at_once,
    opened,
    pushes,
    say,
)

pytestmark = pytest.mark.django_db


def synced(user: User, talk: int, after: int = 0, limit: int = 200) -> Synced:
    command = SyncConversation(conversation=talk, after_rev=after, limit=limit)
    return sync(user.pk, command)


def read(user: User, talk: int, seq: int) -> Marked:
    return mark(user.pk, MarkConversation(conversation=talk, read_seq=seq))


def cursors(user: User) -> list[dict[str, int]]:
    return [push for push in pushes(user) if push.pop("type") == "conversation.cursor"]


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_two_first_contacts_at_once_meet_in_one_conversation() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    answers = at_once(
        [
            lambda: opened(ann, ben),
            lambda: opened(ben, ann),
            lambda: opened(ann, ben),
            lambda: opened(ben, ann),
        ]
    )
    assert set(answers) == {Conversation.objects.get().pk}
    assert Member.objects.count() == 2


def test_opening_yourself_nobody_and_the_gone_is_refused() -> None:
    ann, gone = a_user("ann"), a_user("gone", is_active=False)
    for other, name in (
        (ann.pk, "bad_request"),
        (gone.pk + 1000, "not_found"),
        (gone.pk, "not_delivered"),
    ):
        with pytest.raises(CommandError) as caught:
            open_conversation(ann.pk, OpenConversation(key=a_key(), user=other))
        assert caught.value.name == name
    assert not Conversation.objects.exists()


def test_who_declined_cannot_be_opened_again_but_may_write_first() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = opened(ann, ben)
    say(ann, talk)
    Member.objects.filter(user=ben).update(state=Member.State.DECLINED)
    with pytest.raises(CommandError) as caught:
        opened(ann, ben)
    assert caught.value.name == "not_delivered"
    with pytest.raises(CommandError) as caught:
        synced(ben, talk)
    assert caught.value.name == "not_found"
    assert opened(ben, ann) == talk
    say(ben, talk)
    assert say(ann, talk).seq == 3


def test_a_conversation_that_is_not_yours_reads_as_one_that_is_not() -> None:
    ann, ben, eve = a_user("ann"), a_user("ben"), a_user("eve")
    talk = a_conversation(ann, ben)
    say(ann, talk, "between us")
    for conversation in (talk, talk + 1000):
        for ask in (
            lambda c: synced(eve, c),
            lambda c: read(eve, c, 1),
            lambda c: history(eve.pk, ConversationHistory(conversation=c)),
        ):
            with pytest.raises(CommandError) as caught:
                ask(conversation)
            assert (caught.value.code, caught.value.message) == (404, "not_found")
    assert Member.objects.filter(user=eve).count() == 0


def test_lists_show_what_was_said_last_newest_first_and_no_empty_ones() -> None:
    ann = a_user("ann")
    friends = [a_user(f"friend{n}") for n in range(5)]
    talks = [a_conversation(ann, friend) for friend in friends]
    a_conversation(ann, a_user("silent"))
    for talk in talks:
        say(ann, talk, f"in {talk}")
    say(friends[1], talks[1], "again")
    seen, cursor = [], ""
    while True:
        page = list_conversations(ann.pk, ListConversations(cursor=cursor, limit=2))
        assert len(page.items) <= 2
        seen += page.items
        if not (cursor := page.cursor):
            break
    assert [item.id for item in seen] == [talks[n] for n in (1, 4, 3, 2, 0)]
    assert seen[0].last is not None and seen[0].last.text == "again"
    assert seen[0].peer is not None and seen[0].peer.name == "Friend1"
    assert unread(seen[0].head_seq, seen[0].base, seen[0].read) == 1
    assert unread(seen[1].head_seq, seen[1].base, seen[1].read) == 0


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "٣", "9" * 16, " 1"])
def test_a_cursor_that_is_not_ours_is_a_bad_request(cursor: str) -> None:
    with pytest.raises(CommandError) as caught:
        list_conversations(a_user("ann").pk, ListConversations(cursor=cursor))
    assert caught.value.name == "bad_request"


def test_a_stranger_waits_in_the_requests_box() -> None:
    ann, host = a_user("ann"), a_user("host")
    talk = opened(ann, host)
    say(ann, talk, "is it still there?")
    assert list_conversations(host.pk, ListConversations()).items == []
    (item,) = list_conversations(host.pk, ListConversations(box="requests")).items
    assert (item.id, item.flags) == (talk, 8)
    assert item.last is not None and item.last.text == "is it still there?"
    told = heads(host.pk)
    assert (told.total_unread, told.requests) == (0, 1)
    assert told.heads[0].flags == 8
    say(host, talk, "yes")
    assert heads(host.pk).requests == 0
    assert [one.id for one in list_conversations(host.pk, ListConversations()).items]


def test_heads_say_what_waits() -> None:
    ann, ben, eve = a_user("ann"), a_user("ben"), a_user("eve")
    first, second = a_conversation(ann, ben), a_conversation(eve, ben)
    for _ in range(3):
        say(ann, first)
    say(eve, second)
    read(ben, first, 2)
    told = heads(ben.pk)
    assert told.total_unread == 2
    assert [row.conversation for row in told.heads] == [second, first]
    waiting = [unread(row.head_seq, row.base, row.read) for row in told.heads]
    assert waiting == [1, 1]
    assert told.heads[1] == Head(
        conversation=first,
        head_seq=3,
        head_rev=3,
        base=0,
        read=2,
        delivered=2,
        peer_read=3,
        peer_delivered=3,
        flags=0,
    )


def test_sync_goes_page_by_page_to_the_head() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    for n in range(5):
        say(ann, talk, f"{n}")
    after, texts, pages = 0, [], 0
    while True:
        page = synced(ben, talk, after, limit=2)
        assert (page.conversation is not None) == (after == 0)
        texts += [message.text for message in page.messages]
        after, pages = page.next_rev, pages + 1
        if not page.more:
            break
    assert texts == ["0", "1", "2", "3", "4"]
    assert (after, pages, page.head_seq, page.head_rev) == (5, 3, 5, 5)


def test_beyond_the_head_sync_says_so() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    say(ann, talk)
    page = synced(ben, talk, after=99)
    assert (page.messages, page.head_rev, page.next_rev) == ([], 1, 1)


def test_history_reads_back_in_order() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    for n in range(1, 6):
        say(ann, talk, f"{n}")
    command = ConversationHistory(conversation=talk, limit=2)
    newest = history(ben.pk, command)
    assert [message.seq for message in newest.messages] == [4, 5]
    command = msgspec.structs.replace(command, before_seq=4)
    assert [m.seq for m in history(ben.pk, command).messages] == [2, 3]


def test_who_joined_later_or_cleared_sees_only_what_came_after() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    for _ in range(4):
        say(ann, talk)
    Member.objects.filter(user=ben).update(cleared_seq=3)
    assert [message.seq for message in synced(ben, talk).messages] == [4]
    command = ConversationHistory(conversation=talk)
    assert [message.seq for message in history(ben.pk, command).messages] == [4]
    assert heads(ben.pk).total_unread == 1
    assert len(synced(ann, talk).messages) == 4


def test_reading_is_told_to_the_other_and_to_own_devices() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    say(ann, talk)
    assert read(ben, talk, 1) == Marked(read_seq=1, delivered_seq=1)
    told = {"conversation": talk, "user": ben.pk, "read": 1, "delivered": 1}
    assert cursors(ann) == cursors(ben) == [told]
    assert heads(ben.pk).total_unread == 0


def test_cursors_only_go_forward_and_not_beyond_the_head() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    for _ in range(3):
        say(ann, talk)
    assert read(ben, talk, 1) == Marked(read_seq=1, delivered_seq=1)
    command = MarkConversation(conversation=talk, delivered_seq=2)
    assert mark(ben.pk, command) == Marked(read_seq=1, delivered_seq=2)
    assert read(ben, talk, 99) == Marked(read_seq=3, delivered_seq=3)
    assert read(ben, talk, 1) == Marked(read_seq=3, delivered_seq=3)
    assert mark(ben.pk, command) == Marked(read_seq=3, delivered_seq=3)
    assert len(cursors(ann)) == 3


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_late_and_doubled_receipts_at_once_end_at_the_highest() -> None:
    ann, ben = a_user("ann"), a_user("ben")
    talk = a_conversation(ann, ben)
    for _ in range(9):
        say(ann, talk)
    marks = [
        MarkConversation(conversation=talk, read_seq=n % 10, delivered_seq=9 - n % 10)
        for n in range(40)
    ]
    at_once([partial(mark, ben.pk, command) for command in marks])
    mine = Member.objects.get(user=ben)
    assert (mine.read_seq, mine.public_read_seq, mine.delivered_seq) == (9, 9, 9)
    told = [(push["read"], push["delivered"]) for push in cursors(ann)]
    assert len(told) == len(set(told))


def test_a_private_reader_shows_nobody_what_they_read() -> None:
    ann, ben = a_user("ann"), a_user("ben", private_read=True)
    talk = a_conversation(ann, ben)
    for _ in range(3):
        say(ann, talk)
    mark(ben.pk, MarkConversation(conversation=talk, delivered_seq=3))
    read(ben, talk, 2)
    assert cursors(ann) == [{"conversation": talk, "user": ben.pk, "delivered": 3}]
    assert cursors(ben)[-1]["read"] == 2
    seen = {cursor.user: cursor for cursor in synced(ann, talk).cursors}
    assert (seen[ben.pk].read, seen[ben.pk].delivered) == (0, 3)
    assert heads(ann.pk).heads[0].peer_read == 0
    Member.objects.filter(user=ben).update(private_read=False)
    assert {c.user: c.read for c in synced(ann, talk).cursors}[ben.pk] == 0
    read(ben, talk, 3)
    assert {c.user: c.read for c in synced(ann, talk).cursors}[ben.pk] == 3


def test_a_request_gives_no_receipt() -> None:
    ann, host = a_user("ann"), a_user("host")
    talk = opened(ann, host)
    say(ann, talk)
    read(host, talk, 1)
    assert cursors(ann) == []
    assert [cursor.delivered for cursor in synced(ann, talk).cursors] == [1, 0]
    assert heads(ann.pk).heads[0].peer_delivered == 0
    assert [cursor.read for cursor in synced(ann, talk).cursors] == [1, 0]
    assert heads(ann.pk).heads[0].peer_read == 0
    a_follow(host, ann)
    say(ann, talk)
    read(host, talk, 2)
    assert cursors(ann)[-1] == {
        "conversation": talk,
        "user": host.pk,
        "read": 2,
        "delivered": 2,
    }


@pytest.mark.parametrize("ask", ["heads", "sync", "list"])
def test_three_queries_whatever_the_number(ask: str) -> None:
    ann = a_user("ann")
    talks = [a_conversation(ann, a_user(f"friend{n}")) for n in range(6)]
    for talk in talks:
        say(ann, talk)
    with CaptureQueriesContext(connection) as queries:
        if ask == "heads":
            heads(ann.pk)
        elif ask == "sync":
            synced(ann, talks[0])
        else:
            list_conversations(ann.pk, ListConversations())
    assert len(queries) <= 3
