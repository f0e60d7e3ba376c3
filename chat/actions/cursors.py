"""How far somebody has received and read.

A cursor is a maximum, so neither order nor repeats of marks matter.
"""

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Greatest

from chat.commands.conversations import MarkConversation, Marked
from chat.events import ConversationCursor
from chat.models import Member
from realtime import publish_on_commit


def mark(user: int, command: MarkConversation) -> Marked:
    """Move the user's cursors forward, never beyond the head and never back.

    Told only if something moved. Raises `not_found`.
    """
    mine, others = Member.objects.parties(user, command.conversation, Member.READS)
    head = mine.conversation.head_seq
    read = min(command.read_seq or 0, head)
    delivered = max(min(command.delivered_seq or 0, head), read)
    if read > mine.read_seq or delivered > mine.delivered_seq:
        with transaction.atomic(durable=True):
            _move(mine, others, read, delivered)
    return Marked(read_seq=mine.read_seq, delivered_seq=mine.delivered_seq)


def _move(mine: Member, others: list[Member], read: int, delivered: int) -> None:
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
    hearers = [f"#{one.user_id}" for one in others if one.hears_of(mine)]
    if not mine.reads_privately:
        _tell(own + hearers, mine, mine.read_seq)
        return
    _tell(own, mine, mine.read_seq)
    if hearers and mine.delivered_seq > known:
        _tell(hearers, mine, None)


def _tell(channels: list[str], mine: Member, read: int | None) -> None:
    publish_on_commit(
        channels,
        ConversationCursor(
            conversation=mine.conversation_id,
            user=mine.user_id or 0,
            read=read,
            delivered=mine.delivered_seq,
        ),
    )
