"""A broadcaster's lasting secret, for encoders such as OBS."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from streams.models.streams import Stream


class StreamKeyQuerySet(models.QuerySet["StreamKey"]):
    def usable(self) -> Self:
        return self.filter(revoked_at__isnull=True)


class StreamKey(models.Model):
    """Publishes to one stream of its host or, without `stream`, to any of them.

    The secret has 128 bits, is told once and kept as its SHA-256 alone.
    """

    host = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="stream_keys"
    )
    stream = models.ForeignKey(Stream, models.CASCADE, null=True, related_name="keys")
    name = models.CharField(max_length=40)
    digest = models.BinaryField(max_length=32)
    hint = models.CharField(max_length=4)
    """The secret's last four characters."""
    created_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = StreamKeyQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["digest"], name="one_key_a_digest")
        ]

    def __str__(self) -> str:
        return f"{self.name} …{self.hint}"
