"""A broadcast, its history, and what it waits for.

`actions/lifecycle.py` alone writes `state`, `version` and `generation`.
"""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

OPEN = ("live", "interrupted")
"""The room is open: people talk and buy, also while the host is away."""


class StreamQuerySet(models.QuerySet["Stream"]):
    def live(self) -> Self:
        """Open to watch: live, or interrupted and expected back."""
        return self.filter(state__in=OPEN)

    def public(self) -> Self:
        """What lists may show to anybody."""
        return self.filter(visibility=Stream.Visibility.PUBLIC)


class Stream(models.Model):
    """The broadcast. It survives the publishing sessions (`Ingest`) that feed it."""

    class State(models.TextChoices):
        DRAFT = "draft"
        PREVIEW = "preview"
        LIVE = "live"
        INTERRUPTED = "interrupted"
        ENDED = "ended"

    class Visibility(models.TextChoices):
        PUBLIC = "public"
        UNLISTED = "unlisted"
        PRIVATE = "private"

    host = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="streams", db_index=False
    )
    title = models.CharField(max_length=100)
    text = models.TextField(default="", blank=True)
    category = models.CharField(max_length=40, default="", blank=True)
    tags = models.JSONField(default=list, blank=True)
    language = models.CharField(max_length=10, default="", blank=True)
    visibility = models.CharField(
        max_length=8, choices=Visibility, default=Visibility.PUBLIC
    )
    state = models.CharField(max_length=11, choices=State, default=State.DRAFT)
    version = models.PositiveBigIntegerField(default=0)
    """The `seq` of its last StreamEvent."""
    generation = models.PositiveBigIntegerField(default=0)
    """That of the ingest shown last; late news of a lower one changes nothing."""
    last_generation = models.PositiveBigIntegerField(default=0)
    """The highest given to an ingest."""
    node = models.CharField(max_length=40, default="", blank=True)
    """The media process that holds its picture."""
    grace_s = models.PositiveIntegerField(default=60)
    """How long an interrupted show waits for its host."""
    max_kbps = models.PositiveIntegerField(default=4000)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=16, default="", blank=True)
    viewers = models.PositiveIntegerField(default=0)
    peak = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    """How many different people came; approximate, never falling."""

    objects = StreamQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(grace_s__lte=1800), name="grace_at_most_half_an_hour"
            ),
            models.CheckConstraint(
                condition=Q(generation__lte=F("last_generation")),
                name="shown_generation_was_given",
            ),
            models.CheckConstraint(
                condition=Q(state="ended", ended_at__isnull=False)
                | (~Q(state="ended") & Q(ended_at__isnull=True)),
                name="ended_has_its_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-viewers"], name="streams_by_audience"),
            models.Index(fields=["host", "state"], name="streams_of_a_host"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.title}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


class StreamEvent(models.Model):
    """What happened to a stream, numbered 1, 2, 3 … without a hole; append-only.

    `due_at` is null once the signals of this event were delivered.
    """

    stream = models.ForeignKey(
        Stream, models.PROTECT, related_name="history", db_index=False
    )
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=24)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream", "seq"], name="one_event_a_seq")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                name="undelivered_signals",
                condition=Q(due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.stream_id}:{self.seq} {self.kind}"


class Timer(models.Model):
    """A stream waits until `due_at`; deleted in the transaction of what it causes.

    `version` is the stream's when it was set.
    """

    class Kind(models.TextChoices):
        GRACE = "grace"
        MAX_LENGTH = "max_length"

    stream = models.ForeignKey(
        Stream, models.CASCADE, related_name="timers", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind)
    due_at = models.DateTimeField(db_index=True)
    version = models.PositiveBigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream", "kind"], name="one_timer_a_kind")
        ]

    def __str__(self) -> str:
        return f"{self.stream_id} {self.kind}"
