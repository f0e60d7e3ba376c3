"""Who may do what in a host's streams, and who may not publish at all."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from streams.models.streams import Stream


class Role(models.Model):
    """A person's part in one stream of a host or, without `stream`, in all of them.

    The row of the stream wins over that of all.
    """

    class Kind(models.TextChoices):
        ASSISTANT = "assistant"
        MODERATOR = "moderator"
        SERVICE = "service"
        GUEST = "guest"

    host = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="roles_given"
    )
    stream = models.ForeignKey(Stream, models.CASCADE, null=True, related_name="roles")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="roles_held"
    )
    role = models.CharField(max_length=9, choices=Kind)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["host", "stream", "user"], name="one_role_in_a_stream"
            ),
            models.UniqueConstraint(
                fields=["host", "user"],
                condition=Q(stream__isnull=True),
                name="one_role_in_all_streams",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class PublishBan(models.Model):
    """A person who may not broadcast, until a time or (null) for good."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="publish_ban"
    )
    until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, default="", blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.user_id} until {self.until or 'for ever'}"
