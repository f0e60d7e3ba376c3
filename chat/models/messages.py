"""Direct messages.

A message is never deleted: what empties it (a recall, erasure, retention) leaves its
`seq` and its `key`, so the thread keeps its numbers and a key outlives its text.
"""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from chat.models.conversations import Conversation, Member


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, member: Member) -> Self:
        return self.filter(conversation=member.conversation_id, seq__gt=member.base)


class Message(models.Model):
    class Kind(models.TextChoices):
        TEXT = "text"
        IMAGE = "image"
        VIDEO = "video"
        VOICE = "voice"
        STICKER = "sticker"
        CARD = "card"

    conversation = models.ForeignKey(
        Conversation, models.PROTECT, related_name="messages", db_index=False
    )
    seq = models.PositiveBigIntegerField()
    rev = models.PositiveBigIntegerField()
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+"
    )
    key = models.CharField(max_length=64)
    digest = models.BinaryField(max_length=16)
    """Of the command that made it; an empty one matches any body."""
    kind = models.CharField(max_length=7, choices=Kind.choices, default=Kind.TEXT)
    text = models.TextField(blank=True)
    card = models.JSONField(null=True)
    reply_to = models.PositiveBigIntegerField(null=True)
    """The seq it answers, in the same conversation."""
    mentions = models.JSONField(default=list)
    auto = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    edited_at = models.DateTimeField(null=True)
    recalled_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["conversation", "seq"], name="one_message_a_seq"
            ),
            models.UniqueConstraint(
                fields=["conversation", "rev"], name="one_message_a_rev"
            ),
            models.UniqueConstraint(fields=["sender", "key"], name="one_message_a_key"),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id}:{self.seq}"
