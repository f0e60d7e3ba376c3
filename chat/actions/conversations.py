"""Open a conversation, and list them.

Neighbours: syncing.py catches up, cursors.py marks, messages.py sends.
"""

import re

from django.db.models import F, Q

from accounts.models import Follow, User
from chat.commands.conversations import (
    ConversationList,
    ConversationView,
    ListConversations,
    OpenConversation,
    Opened,
    Person,
)
from chat.errors import NOT_DELIVERED
from chat.events import MessageView
from chat.models import Conversation, Member, Message
from chat.unread import visible
from realtime import once
from realtime.exceptions import BAD_REQUEST, NOT_FOUND
from streams.clock import epoch_ms

CURSOR = re.compile(r"[0-9]{1,15}")


def open_conversation(user: int, command: OpenConversation) -> Opened:
    """The one conversation of two people; two first contacts at once meet in it.

    The other's side of a new one is a request unless they follow `user`.
    """
    if command.user == user:
        raise BAD_REQUEST(path="$.user", why="that is you")
    return once(user, command, Opened, lambda: _open(user, command.user))


def _open(user: int, other: int) -> Opened:
    people = User.objects.in_bulk([user, other])
    if other not in people:
        raise NOT_FOUND()
    if not people[other].is_active:
        raise NOT_DELIVERED()
    conversation, made = Conversation.objects.get_or_create(
        direct_key=f"{min(user, other)}:{max(user, other)}",
        defaults={"kind": Conversation.Kind.DIRECT},
    )
    if made:
        Member.objects.bulk_create(_pair(conversation, people[user], people[other]))
    elif conversation.members.filter(user=other, state=Member.State.DECLINED).exists():
        raise NOT_DELIVERED()
    return Opened(conversation=conversation.pk)


def _pair(conversation: Conversation, opener: User, other: User) -> list[Member]:
    followed = Follow.objects.filter(follower=other, target=opener).exists()
    return [
        Member(
            conversation=conversation, user=opener, private_read=opener.private_read
        ),
        Member(
            conversation=conversation,
            user=other,
            private_read=other.private_read,
            state=Member.State.ACTIVE if followed else Member.State.REQUEST,
        ),
    ]


def list_conversations(user: int, command: ListConversations) -> ConversationList:
    """A page of a box by `last_at`, newest first, each with its last message."""
    rows = (
        Member.objects.filter(user=user)
        .box(command.box == "requests")
        .select_related("conversation")
        .order_by("-conversation__last_at", "-conversation_id")
    )
    if command.cursor:
        rows = rows.filter(_after(user, command.cursor))
    page = list(rows[: command.limit + 1])
    shown, more = page[: command.limit], page[command.limit :]
    peers, lasts = peers_of(shown), _lasts(shown)
    return ConversationList(
        items=[
            view_of(
                mine, peers.get(mine.conversation_id), lasts.get(mine.conversation_id)
            )
            for mine in shown
        ],
        cursor=str(shown[-1].conversation_id) if more else "",
    )


def _after(user: int, cursor: str) -> Q:
    """What comes after the last conversation of an earlier page.

    Its time is compared inside the database: SQLite keeps three digits of a second,
    and compares as text. One that moved up meanwhile begins the list again.
    """
    if not CURSOR.fullmatch(cursor):
        raise BAD_REQUEST(path="$.cursor", why="not one of ours")
    last = int(cursor)
    own = Member.objects.filter(user=user, conversation=last)
    at = own.values("conversation__last_at")[:1]
    return Q(conversation__last_at__lt=at) | Q(
        conversation__last_at=at, conversation__lt=last
    )


def peers_of(rows: list[Member]) -> dict[int, Member]:
    """The other side of direct conversations, by conversation."""
    others = Member.objects.filter(
        conversation__in=[row.conversation_id for row in rows],
        conversation__kind=Conversation.Kind.DIRECT,
    ).exclude(pk__in=[row.pk for row in rows])
    return {one.conversation_id: one for one in others.select_related("user")}


def _lasts(rows: list[Member]) -> dict[int, Message]:
    newest = Message.objects.filter(
        conversation__in=[row.conversation_id for row in rows],
        seq=F("conversation__head_seq"),
    )
    return {message.conversation_id: message for message in newest}


def view_of(
    mine: Member, peer: Member | None, last: Message | None = None
) -> ConversationView:
    """The conversation as its member sees it."""
    head = mine.conversation
    person = peer.user if peer else None
    return ConversationView(
        id=head.pk,
        kind=head.kind,
        peer=Person(user=person.pk, name=str(person)) if person else None,
        head_seq=head.head_seq,
        head_rev=head.head_rev,
        base=mine.base,
        read=mine.read_seq,
        delivered=mine.delivered_seq,
        peer_read=peer.shown_read if peer else 0,
        peer_delivered=peer.shown_delivered if peer else 0,
        flags=mine.flags,
        last_at=epoch_ms(head.last_at) if head.last_at else None,
        last=MessageView.of(last) if last and visible(last.seq, mine.base) else None,
    )
