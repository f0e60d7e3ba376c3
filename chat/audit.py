"""What must hold of conversations and comments, as far as SQL can see.

C1 numbers without a hole, C2 one message a key, C4 cursors in order, C9 every act in
the log. Each is one query or two, whatever the number of rows; on a living system a
row that was changed meanwhile may be named once and not again.
"""

from collections.abc import Iterator

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from chat.actions.moderation import PINS
from chat.models import Comment, Conversation, LiveRoom, Member, Message
from chat.models import ModerationAction as Action
from realtime.audit import Finding


def findings() -> Iterator[Finding]:
    """Everything that does not hold."""
    yield from _numbers()
    yield from _keys()
    yield from _cursors()
    yield from _removals()
    yield from _pins()


def _numbers() -> Iterator[Finding]:
    """C1: seqs are 1 … head_seq, revs are one a message and not beyond head_rev."""
    conversations = Conversation.objects.annotate(
        first=Min("messages__seq"),
        last=Max("messages__seq"),
        different=Count("messages__seq", distinct=True),
        rows=Count("messages"),
        revs=Count("messages__rev", distinct=True),
        last_rev=Max("messages__rev"),
    )
    for one in conversations.filter(
        ~Q(rows=F("head_seq"))
        | ~Q(different=F("head_seq"))
        | ~Q(revs=F("rows"))
        | Q(first__gt=1)
        | Q(last__gt=F("head_seq"))
        | Q(last_rev__gt=F("head_rev"))
        | Q(head_rev__lt=F("head_seq"))
    ):
        yield Finding(
            "C1",
            f"conversation {one.pk}",
            f"head {one.head_seq}/{one.head_rev}, but {one.rows} messages "
            f"{one.first}…{one.last}, revs up to {one.last_rev}",
        )


def _keys() -> Iterator[Finding]:
    """C2: one message for a sender's key."""
    doubled = (
        Message.objects.values("sender", "key").annotate(n=Count("pk")).filter(n__gt=1)
    )
    for row in doubled:
        subject = f"sender {row['sender']} key {row['key']}"
        yield Finding("C2", subject, f"{row['n']} messages")


def _cursors() -> Iterator[Finding]:
    """C4: public_read ≤ read ≤ delivered ≤ head_seq."""
    for one in Member.objects.select_related("conversation").filter(
        Q(public_read_seq__gt=F("read_seq"))
        | Q(read_seq__gt=F("delivered_seq"))
        | Q(delivered_seq__gt=F("conversation__head_seq"))
    ):
        yield Finding(
            "C4",
            f"member {one.pk} of conversation {one.conversation_id}",
            f"public {one.public_read_seq}, read {one.read_seq}, delivered "
            f"{one.delivered_seq}, head {one.conversation.head_seq}",
        )


def _removals() -> Iterator[Finding]:
    """C9: a removed comment has one act, and an act its removed comment."""
    acts = Action.objects.filter(verb=Action.Verb.REMOVE)
    own = acts.filter(stream=OuterRef("stream"), target_id=OuterRef("pk"))
    counted = own.order_by().values("target_id").annotate(n=Count("pk")).values("n")
    removed = Comment.objects.filter(removed_at__isnull=False)
    counts = removed.annotate(acts=Coalesce(Subquery(counted), 0)).exclude(acts=1)
    for id, count in counts.values_list("pk", "acts"):
        yield Finding("C9", f"comment {id}", f"removed by {count} acts")
    gone = removed.filter(pk=OuterRef("target_id"))
    for id in acts.filter(~Exists(gone)).values_list("target_id", flat=True):
        yield Finding("C9", f"comment {id}", "removed in the log alone")


def _pins() -> Iterator[Finding]:
    """C9: what is pinned was pinned by somebody, is shown, and is at most three."""
    for room in LiveRoom.objects.exclude(pinned=[]):
        subject = f"stream {room.pk}"
        if len(set(room.pinned)) != len(room.pinned) or len(room.pinned) > PINS:
            yield Finding("C9", subject, f"pinned {room.pinned}")
        shown = Comment.objects.shown().filter(stream=room.pk).in_bulk(room.pinned)
        for id in room.pinned:
            if id not in shown:
                yield Finding("C9", subject, f"pinned {id} is not shown")
            elif _last_verb(room.pk, id) != Action.Verb.PIN:
                yield Finding("C9", subject, f"pinned {id} without an act")


def _last_verb(stream: int, id: str) -> str | None:
    acts = Action.objects.filter(
        stream=stream, target_id=id, verb__in=(Action.Verb.PIN, Action.Verb.UNPIN)
    )
    return acts.order_by("-pk").values_list("verb", flat=True).first()
