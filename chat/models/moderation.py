"""Who did what about what somebody said. Append-only."""

from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from chat.models.conversations import Conversation
from streams.models import Stream


class AppendOnly(Exception):
    """The log of moderation is never changed."""


class ModerationQuerySet(models.QuerySet["ModerationAction"]):
    def update(self, **fields: Any) -> NoReturn:
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly


class ModerationAction(models.Model):
    """One act of a person or, with `actor` null, of the machine."""

    class Verb(models.TextChoices):
        PIN = "pin"
        UNPIN = "unpin"
        REMOVE = "remove"

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    verb = models.CharField(max_length=16, choices=Verb)
    stream = models.ForeignKey(
        Stream, models.PROTECT, null=True, related_name="+", db_index=False
    )
    conversation = models.ForeignKey(
        Conversation, models.PROTECT, null=True, related_name="+"
    )
    target_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    target_id = models.CharField(max_length=64, default="")
    reason = models.CharField(max_length=200, default="")
    data = models.JSONField(default=dict)
    until = models.DateTimeField(null=True)
    at = models.DateTimeField(db_default=Now())

    objects = ModerationQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["stream", "at"], name="moderation_of_a_stream"),
            models.Index(fields=["target_user", "at"], name="moderation_of_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.target_id} by {self.actor_id or 'the machine'}"

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        raise AppendOnly
