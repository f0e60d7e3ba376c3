"""One publishing session of a stream."""

from hashlib import blake2b
from secrets import token_urlsafe
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from streams.models.keys import StreamKey
from streams.models.streams import Stream

SHOWING = ("active", "silent")
"""States of the one ingest that has the stream's picture."""


def new_session() -> str:
    """22 characters, 128 random bits: whoever knows them may change the session."""
    return token_urlsafe(16)


class IngestQuerySet(models.QuerySet["Ingest"]):
    def running(self) -> Self:
        return self.exclude(state=Ingest.State.CLOSED)

    def showing(self) -> Self:
        return self.filter(state__in=SHOWING)


class Ingest(models.Model):
    """A session that was accepted at `/whip`; its `generation` fences it.

    `id` is the secret part of its address, `/whip/session/<id>`.
    """

    class State(models.TextChoices):
        CONNECTING = "connecting"
        ACTIVE = "active"
        SILENT = "silent"
        CLOSED = "closed"

    id = models.CharField(
        primary_key=True, max_length=22, default=new_session, editable=False
    )
    stream = models.ForeignKey(
        Stream, models.PROTECT, related_name="ingests", db_index=False
    )
    slot = models.PositiveSmallIntegerField(default=0)
    generation = models.PositiveBigIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT)
    key = models.ForeignKey(StreamKey, models.PROTECT, null=True)
    """Null: by a publish ticket."""
    node = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=State, default=State.CONNECTING)
    reason = models.CharField(max_length=24, default="", blank=True)
    """Why it was closed."""
    agent = models.CharField(max_length=200, default="", blank=True)
    video = models.CharField(max_length=8, default="", blank=True)
    audio = models.CharField(max_length=8, default="", blank=True)
    created_at = models.DateTimeField(db_default=Now())
    active_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    objects = IngestQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["stream", "slot", "generation"], name="one_ingest_a_generation"
            ),
            models.UniqueConstraint(
                fields=["stream", "slot"],
                condition=Q(state__in=SHOWING),
                name="one_ingest_shows",
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False)
                | (~Q(state="closed") & Q(closed_at__isnull=True)),
                name="closed_has_its_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["node"], name="running_on_a_node", condition=~Q(state="closed")
            )
        ]

    @property
    def name(self) -> str:
        """What others may know it by: `id` would let them end it."""
        return blake2b(self.pk.encode(), digest_size=9).hexdigest()

    def __str__(self) -> str:
        return f"{self.stream_id}/{self.generation} {self.state}"
