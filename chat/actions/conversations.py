"""Open, list, catch up, read back, mark.

A push is a hint, the tables are the truth: everything here can be asked at any time,
however long the client was away.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Greatest

from accounts.models import Follow, User
from chat.commands.conversations import (
    ConversationHistory,
    ConversationList,
    ConversationView,
    CursorView,
    Heads,
    History,
    ListConversations,
    MarkConversation,
    Marked,
    OpenConversation,
    Opened,
    Person,
    SyncConversation,
    Synced,
)
from chat.errors import NOT_DELIVERED
from chat.events import ConversationCursor, MessageView
from chat.models import Conversation, Member, Message
from chat.unread import mentioned, visible
from realtime import once, publish_on_commit
from realtime.exceptions import BAD_REQUEST, NOT_FOUND
from streams.clock import epoch_ms

MENTIONED, MUTED, PINNED, REQUEST = 1, 2, 4, 8
HEADS = 1000
CURSOR = re.compile(r"[0-9]{1,15}")
COLUMNS = [
    "conversation",
    "head_seq",
    "head_rev",
    "base",
    "read",
    "delivered",
    "peer_read",
    "peer_delivered",
    "flags",
]


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
    peers, lasts = _peers(shown), _lasts(shown)
    return ConversationList(
        items=[
            _view(mine, peers[mine.conversation_id], lasts.get(mine.conversation_id))
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


def _peers(rows: Iterable[Member]) -> dict[int, list[Member]]:
    """The members of the rows' conversations, by conversation."""
    found: dict[int, list[Member]] = defaultdict(list)
    ids = [row.conversation_id for row in rows]
    for member in Member.objects.filter(conversation__in=ids).select_related("user"):
        found[member.conversation_id].append(member)
    return found


def _lasts(rows: Iterable[Member]) -> dict[int, Message]:
    ids = [row.conversation_id for row in rows]
    newest = Message.objects.filter(
        conversation__in=ids, seq=F("conversation__head_seq")
    )
    return {message.conversation_id: message for message in newest}


def _view(
    mine: Member, members: Iterable[Member], last: Message | None = None
) -> ConversationView:
    conversation = mine.conversation
    peer = next((one for one in members if one.user_id != mine.user_id), None)
    return ConversationView(
        id=conversation.pk,
        kind=conversation.kind,
        peer=Person(user=peer.user.pk, name=str(peer.user))
        if peer and peer.user
        else None,
        head_seq=conversation.head_seq,
        head_rev=conversation.head_rev,
        base=mine.base,
        read=mine.read_seq,
        delivered=mine.delivered_seq,
        peer_read=peer.shown_read if peer else 0,
        peer_delivered=peer.shown_delivered if peer else 0,
        flags=_flags(mine),
        last_at=epoch_ms(conversation.last_at) if conversation.last_at else None,
        last=MessageView.of(last) if last and visible(last.seq, mine.base) else None,
    )


def _flags(mine: Member) -> int:
    everybody = mine.conversation.mention_all_seq
    until = mine.muted_until
    return (
        MENTIONED * mentioned(mine.mention_seq, everybody, mine.read_seq)
        | MUTED * bool(until and until > datetime.now(UTC))
        | PINNED * bool(mine.pinned_at)
        | REQUEST * (mine.state == Member.State.REQUEST)
    )


def _members(user: int, conversation: int) -> tuple[Member, list[Member]]:
    """The user's own row and all rows; `not_found` where it is not theirs."""
    members = list(
        Member.objects.filter(conversation=conversation).select_related(
            "conversation", "user"
        )
    )
    for member in members:
        if member.user_id == user and member.state in Member.READS:
            return member, members
    raise NOT_FOUND()


def sync(user: int, command: SyncConversation) -> Synced:
    """Changed messages after a rev.

    The heads are read before the messages: what commits in between has a higher rev,
    so it is either in the page, whole, or left for the next question.
    """
    mine, members = _members(user, command.conversation)
    head = mine.conversation
    changed = Message.objects.visible_to(mine).filter(rev__gt=command.after_rev)
    page = list(changed.order_by("rev")[: command.limit])
    full = len(page) == command.limit
    newest = page[-1].rev if page else 0
    new = command.after_rev == 0 or head.meta_rev > command.after_rev
    return Synced(
        messages=[MessageView.of(message) for message in page],
        cursors=[_cursor_of(member, mine) for member in members if member.user_id],
        head_seq=max([head.head_seq, *(message.seq for message in page)]),
        head_rev=max(head.head_rev, newest),
        next_rev=newest if full else max(head.head_rev, newest),
        more=full,
        conversation=_view(mine, members) if new else None,
    )


def _cursor_of(member: Member, mine: Member) -> CursorView:
    own = member.pk == mine.pk
    return CursorView(
        user=member.user_id or 0,
        read=member.read_seq if own else member.shown_read,
        delivered=member.delivered_seq if own else member.shown_delivered,
    )


def history(user: int, command: ConversationHistory) -> History:
    """Visible messages before a seq, for reading back."""
    mine, _ = _members(user, command.conversation)
    before = Message.objects.visible_to(mine)
    if command.before_seq is not None:
        before = before.filter(seq__lt=command.before_seq)
    page = list(before.order_by("-seq")[: command.limit])
    return History(
        messages=[MessageView.of(message) for message in reversed(page)],
        head_seq=mine.conversation.head_seq,
        head_rev=mine.conversation.head_rev,
    )


def mark(user: int, command: MarkConversation) -> Marked:
    """Move the user's cursors forward, never beyond the head and never back.

    A maximum, so neither order nor repeats matter. Told only if something moved.
    """
    mine, members = _members(user, command.conversation)
    head = mine.conversation.head_seq
    read = min(command.read_seq or 0, head)
    delivered = max(min(command.delivered_seq or 0, head), read)
    if read > mine.read_seq or delivered > mine.delivered_seq:
        with transaction.atomic(durable=True):
            _move(mine, members, read, delivered)
    return Marked(read_seq=mine.read_seq, delivered_seq=mine.delivered_seq)


def _move(mine: Member, members: list[Member], read: int, delivered: int) -> None:
    known = mine.delivered_seq
    public = 0 if mine.reads_privately else read
    moved = Member.objects.filter(
        Q(read_seq__lt=read) | Q(delivered_seq__lt=delivered), pk=mine.pk
    ).update(
        read_seq=Greatest("read_seq", read),
        public_read_seq=Greatest("public_read_seq", public),
        delivered_seq=Greatest("delivered_seq", delivered),
    )
    mine.refresh_from_db(fields=["read_seq", "delivered_seq", "public_read_seq"])
    if not moved:
        return
    own = [f"#{mine.user_id}"]
    others = [f"#{one.user_id}" for one in members if one.hears_of(mine)]
    cursor = ConversationCursor(
        conversation=mine.conversation_id,
        user=mine.user_id or 0,
        read=mine.read_seq,
        delivered=mine.delivered_seq,
    )
    if not mine.reads_privately:
        publish_on_commit(own + others, cursor)
        return
    publish_on_commit(own, cursor)
    if others and mine.delivered_seq > known:
        publish_on_commit(
            others,
            ConversationCursor(
                conversation=cursor.conversation,
                user=cursor.user,
                delivered=cursor.delivered,
            ),
        )


def heads(user: int) -> Heads:
    """The user's conversations in brief, and what waits in them. Three queries."""
    mine = Member.objects.readable(user).filter(conversation__head_seq__gt=0)
    rows = list(
        mine.select_related("conversation").order_by(
            "-conversation__changed_at", "-conversation_id"
        )[:HEADS]
    )
    others = {
        peer.conversation_id: peer
        for peer in Member.objects.filter(
            conversation__in=[row.conversation_id for row in rows],
            conversation__kind=Conversation.Kind.DIRECT,
        ).exclude(user=user)
    }
    # Not named `unread`: Django would sum the alias, which SQLite reads as a string.
    totals = mine.with_unread().aggregate(
        total=Sum("unread", filter=Q(state=Member.State.ACTIVE)),
        requests=Count("pk", filter=Q(state=Member.State.REQUEST)),
    )
    return Heads(
        total_unread=totals["total"] or 0,
        requests=totals["requests"],
        columns=COLUMNS,
        heads=[_head(row, others.get(row.conversation_id)) for row in rows],
    )


def _head(
    mine: Member, peer: Member | None
) -> tuple[int, int, int, int, int, int, int, int, int]:
    return (
        mine.conversation_id,
        mine.conversation.head_seq,
        mine.conversation.head_rev,
        mine.base,
        mine.read_seq,
        mine.delivered_seq,
        peer.shown_read if peer else 0,
        peer.shown_delivered if peer else 0,
        _flags(mine),
    )
