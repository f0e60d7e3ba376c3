"""The live room of a stream and what was said in it."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from streams.models import Stream


class LiveRoom(models.Model):
    """How people may talk in a stream, what is pinned, and how much it was liked.

    `version` moves with every change; its UPDATE is also the lock under which lists
    such as `pinned` are changed.
    """

    class Audience(models.TextChoices):
        EVERYONE = "everyone"
        FOLLOWERS = "followers"
        BUYERS = "buyers"

    class Hold(models.TextChoices):
        NONE = "none"
        FLAGGED = "flagged"
        LINKS = "links"
        ALL = "all"

    stream = models.OneToOneField(
        Stream, models.PROTECT, primary_key=True, related_name="room"
    )
    version = models.PositiveBigIntegerField(default=0)
    slow_s = models.PositiveSmallIntegerField(default=0)
    audience = models.CharField(
        max_length=9, choices=Audience, default=Audience.EVERYONE
    )
    audience_min_s = models.PositiveIntegerField(default=0)
    hold = models.CharField(max_length=7, choices=Hold, default=Hold.NONE)
    links = models.BooleanField(default=True)
    unique = models.BooleanField(default=False)
    paused = models.BooleanField(default=False)
    cap_per_s = models.PositiveIntegerField(default=40)
    mask_names = models.BooleanField(default=False)
    pinned = models.JSONField(default=list)
    likes = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(slow_s__lte=120), name="slow_at_most_two_minutes"
            )
        ]

    def __str__(self) -> str:
        return f"room of {self.stream_id}"


class CommentQuerySet(models.QuerySet["Comment"]):
    def shown(self) -> Self:
        """What everybody saw and may still see."""
        return self.filter(state=Comment.State.SHOWN, removed_at=None)


class Comment(models.Model):
    """A live comment; written down up to a second after it was shown."""

    class Kind(models.TextChoices):
        TEXT = "text"
        STICKER = "sticker"
        QUESTION = "question"

    class State(models.TextChoices):
        SHOWN = "shown"
        OVER = "over"
        MERGED = "merged"
        HELD = "held"
        REJECTED = "rejected"
        EXPIRED = "expired"
        SHADOW = "shadow"

    id = models.CharField(primary_key=True, max_length=16)
    """A function of author and key (chat/identity.py)."""
    stream = models.ForeignKey(
        Stream, models.PROTECT, related_name="comments", db_index=False
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    name = models.CharField(max_length=40)
    badges = models.JSONField(default=list)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.TEXT)
    text = models.CharField(max_length=200)
    reply_to = models.CharField(max_length=16, null=True)
    style = models.JSONField(null=True)
    at = models.DateTimeField()
    offset_ms = models.BigIntegerField(default=0)
    """Its place on the media clock."""
    state = models.CharField(max_length=8, choices=State, default=State.SHOWN)
    repeats = models.PositiveIntegerField(default=0)
    removed_at = models.DateTimeField(null=True)
    digest = models.BinaryField(max_length=16, default=b"")

    objects = CommentQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["stream", "offset_ms", "id"], name="comments_replay"),
            models.Index(fields=["stream", "author"], name="comments_by_author"),
            models.Index(
                fields=["at"], name="comments_held", condition=Q(state="held")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream_id}:{self.id}"
