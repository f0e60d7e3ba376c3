"""Conversations and who is in them.

A conversation carries two counters, moved only by the UPDATE that opens a transaction:
`head_seq` numbers the messages 1, 2, 3 … without a hole, `head_rev` moves with every
change. Everything a member has read, received or cleared is a seq; unread is computed
(chat/unread.py), never stored.
"""

from collections.abc import Collection
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from accounts.models import Follow
from chat.unread import base, mentioned
from realtime.exceptions import NOT_FOUND


class Conversation(models.Model):
    class Kind(models.TextChoices):
        DIRECT = "direct"
        GROUP = "group"
        SHOP = "shop"

    kind = models.CharField(max_length=6, choices=Kind.choices)
    direct_key = models.CharField(max_length=64, null=True, unique=True)
    """`low:high` user ids: two first contacts at once meet on its uniqueness."""
    shop = models.BigIntegerField(null=True)
    title = models.CharField(max_length=80, default="", blank=True)
    avatar = models.CharField(max_length=200, null=True)
    head_seq = models.PositiveBigIntegerField(default=0)
    head_rev = models.PositiveBigIntegerField(default=0)
    meta_rev = models.PositiveBigIntegerField(default=0)
    """The rev at which title or membership changed last."""
    mention_all_seq = models.PositiveBigIntegerField(default=0)
    pinned = models.JSONField(default=list)
    last_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(head_rev__gte=F("head_seq")), name="rev_never_behind_seq"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class MemberQuerySet(models.QuerySet["Member"]):
    def readable(self, user: int) -> Self:
        """The user's rows of conversations they may read."""
        return self.filter(user=user, state__in=Member.READS)

    def box(self, requests: bool) -> Self:
        """Of what is listed: the main box, or strangers' requests.

        An empty conversation is in neither.
        """
        state = Member.State.REQUEST if requests else Member.State.ACTIVE
        return self.filter(state=state, conversation__head_seq__gt=0)

    def parties(
        self, user: int, conversation: int, states: Collection[str]
    ) -> tuple["Member", list["Member"]]:
        """The user's own row, if in one of `states`, and the others'. One query.

        Raises `not_found`, for foreign and unknown conversations alike.
        """
        mine, others = None, []
        rows = self.filter(conversation=conversation)
        for member in rows.select_related("conversation", "user"):
            if member.user_id == user:
                mine = member
            else:
                others.append(member)
        if mine is None or mine.state not in states:
            raise NOT_FOUND()
        return mine, others

    def with_unread(self) -> Self:
        """Annotates `unread`: chat/unread.py in SQL."""
        seen = Greatest("join_seq", "cleared_seq", "read_seq")
        return self.annotate(unread=Greatest(F("conversation__head_seq") - seen, 0))

    def towards(self, sender: int) -> Self:
        """Annotates `follows_sender`: a request lifts when it is true."""
        follow = Follow.objects.filter(follower=OuterRef("user"), target=sender)
        return self.annotate(follows_sender=Exists(follow))


class Member(models.Model):
    """A person (or, with `user` null, a shop) in a conversation, and their cursors."""

    class Role(models.TextChoices):
        OWNER = "owner"
        ADMIN = "admin"
        MEMBER = "member"

    class State(models.TextChoices):
        ACTIVE = "active"
        REQUEST = "request"
        DECLINED = "declined"
        LEFT = "left"

    READS = (State.ACTIVE, State.REQUEST)
    WRITES = (*READS, State.DECLINED)
    """Who declined may change their mind, and write."""

    conversation = models.ForeignKey(
        Conversation, models.PROTECT, related_name="members", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False
    )
    shop = models.BigIntegerField(null=True)
    role = models.CharField(max_length=6, choices=Role.choices, default=Role.MEMBER)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    join_seq = models.PositiveBigIntegerField(default=0)
    read_seq = models.PositiveBigIntegerField(default=0)
    public_read_seq = models.PositiveBigIntegerField(default=0)
    """What others may see of `read_seq`."""
    delivered_seq = models.PositiveBigIntegerField(default=0)
    cleared_seq = models.PositiveBigIntegerField(default=0)
    mention_seq = models.PositiveBigIntegerField(default=0)
    muted_until = models.DateTimeField(null=True)
    pinned_at = models.DateTimeField(null=True)
    private_read = models.BooleanField(default=False)

    follows_sender: bool
    """Set by `MemberQuerySet.towards`."""

    objects = MemberQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["conversation", "user"], name="once_in_a_conversation"
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(shop__isnull=False),
                name="one_shop_a_conversation",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False, shop__isnull=True)
                | Q(user__isnull=True, shop__isnull=False),
                name="a_person_or_a_shop",
            ),
            models.CheckConstraint(
                condition=Q(public_read_seq__lte=F("read_seq"))
                & Q(read_seq__lte=F("delivered_seq")),
                name="public_read_read_delivered",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["user", "state"], name="member_box")]

    def __str__(self) -> str:
        return f"{self.user_id or self.shop} in {self.conversation_id}"

    @property
    def base(self) -> int:
        """The last seq this member does not see."""
        return base(self.join_seq, self.cleared_seq)

    @property
    def flags(self) -> int:
        """1 mentioned, 2 muted, 4 pinned, 8 a stranger's request."""
        everybody = self.conversation.mention_all_seq
        until = self.muted_until
        return (
            1 * mentioned(self.mention_seq, everybody, self.read_seq)
            | 2 * bool(until and until > timezone.now())
            | 4 * bool(self.pinned_at)
            | 8 * (self.state == self.State.REQUEST)
        )

    @property
    def shown_read(self) -> int:
        """How far others may know this member to have read."""
        return self.public_read_seq if self.state == self.State.ACTIVE else 0

    @property
    def shown_delivered(self) -> int:
        return self.delivered_seq if self.state == self.State.ACTIVE else 0

    def hears_of(self, other: "Member") -> bool:
        """Whether the other's cursors are told to this member."""
        both = self.state == other.state == self.State.ACTIVE
        return both and self.user_id is not None and self.pk != other.pk

    @property
    def reads_privately(self) -> bool:
        """Whether others learn nothing of what this member reads."""
        return self.private_read or self.state != self.State.ACTIVE

    def accept(self) -> None:
        """A stranger's request becomes a conversation."""
        self.state = self.State.ACTIVE
        self.save(update_fields=["state"])

    def wrote(self, seq: int) -> None:
        """Own messages are never unread; to write is also to accept."""
        self.state = self.State.ACTIVE
        self.read_seq = self.public_read_seq = self.delivered_seq = seq
        self.save(
            update_fields=["state", "read_seq", "public_read_seq", "delivered_seq"]
        )
