"""Catch up and read back: the tables are the truth, a push only a hint.

Everything here can be asked at any time, however long the client was away.
"""

from django.db.models import Count, Q, Sum

from chat.actions.conversations import peers_of, view_of
from chat.commands.conversations import (
    ConversationHistory,
    CursorView,
    Head,
    Heads,
    History,
    SyncConversation,
    Synced,
)
from chat.events import MessageView
from chat.models import Member, Message

HEADS = 1000


def sync(user: int, command: SyncConversation) -> Synced:
    """Changed messages after a rev.

    The heads are read before the messages: what commits in between has a higher rev,
    so it is either in the page, whole, or left for the next question.
    """
    mine, others = Member.objects.parties(user, command.conversation, Member.READS)
    head, peer = mine.conversation, others[0] if len(others) == 1 else None
    changed = Message.objects.visible_to(mine).filter(rev__gt=command.after_rev)
    page = list(changed.order_by("rev")[: command.limit])
    full = len(page) == command.limit
    newest = page[-1].rev if page else 0
    new = command.after_rev == 0 or head.meta_rev > command.after_rev
    return Synced(
        messages=[MessageView.of(message) for message in page],
        cursors=[
            CursorView(user, mine.read_seq, mine.delivered_seq),
            *(
                CursorView(one.user_id or 0, one.shown_read, one.shown_delivered)
                for one in others
            ),
        ],
        head_seq=max([head.head_seq, *(message.seq for message in page)]),
        head_rev=max(head.head_rev, newest),
        next_rev=newest if full else max(head.head_rev, newest),
        more=full,
        conversation=view_of(mine, peer) if new else None,
    )


def history(user: int, command: ConversationHistory) -> History:
    """Visible messages before a seq, for reading back."""
    mine, _ = Member.objects.parties(user, command.conversation, Member.READS)
    before = Message.objects.visible_to(mine)
    if command.before_seq is not None:
        before = before.filter(seq__lt=command.before_seq)
    page = list(before.order_by("-seq")[: command.limit])
    return History(
        messages=[MessageView.of(message) for message in reversed(page)],
        head_seq=mine.conversation.head_seq,
        head_rev=mine.conversation.head_rev,
    )


def heads(user: int) -> Heads:
    """The user's conversations in brief, and what waits in them. Three queries."""
    mine = Member.objects.readable(user).filter(conversation__head_seq__gt=0)
    rows = list(
        mine.select_related("conversation").order_by(
            "-conversation__changed_at", "-conversation_id"
        )[:HEADS]
    )
    peers = peers_of(rows)
    # Not named `unread`: Django would sum the alias, which SQLite reads as a string.
    totals = mine.with_unread().aggregate(
        total=Sum("unread", filter=Q(state=Member.State.ACTIVE)),
        requests=Count("pk", filter=Q(state=Member.State.REQUEST)),
    )
    return Heads(
        total_unread=totals["total"] or 0,
        requests=totals["requests"],
        columns=Head.__struct_fields__,
        heads=[_head(row, peers.get(row.conversation_id)) for row in rows],
    )


def _head(mine: Member, peer: Member | None) -> Head:
    return Head(
        conversation=mine.conversation_id,
        head_seq=mine.conversation.head_seq,
        head_rev=mine.conversation.head_rev,
        base=mine.base,
        read=mine.read_seq,
        delivered=mine.delivered_seq,
        peer_read=peer.shown_read if peer else 0,
        peer_delivered=peer.shown_delivered if peer else 0,
        flags=mine.flags,
    )
