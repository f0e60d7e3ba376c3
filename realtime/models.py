"""What must outlive the store: pushes not yet sent, and answers already given."""

from django.db import models
from django.db.models.functions import Now


class OutboxEvent(models.Model):
    """A push decided by a committed transaction; `outbox.py` sends it, once in effect.

    One row for all channels it goes to. `data` is the event in MessagePack, `flags`
    those of `recovery.py`. Rows leave in the order of their ids.
    """

    channels = models.JSONField()
    data = models.BinaryField()
    flags = models.PositiveSmallIntegerField(default=0)
    at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                name="outbox_unsent",
                condition=models.Q(sent_at__isnull=True),
            )
        ]


class Answered(models.Model):
    """The reply a command got, kept under its sender and key: a resend gets the same.

    `digest` tells whether the resent body is the same one.
    """

    actor = models.BigIntegerField()
    key = models.CharField(max_length=64)
    digest = models.BinaryField(max_length=16)
    reply = models.BinaryField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["actor", "key"], name="answered_once")
        ]
