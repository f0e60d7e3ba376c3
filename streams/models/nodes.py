"""The media processes, as SQL knows them."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models.functions import Now

FRESH = timedelta(seconds=6)
"""A node silent for longer is dead: what it held is lost."""


class MediaNodeQuerySet(models.QuerySet["MediaNode"]):
    def alive(self) -> Self:
        return self.filter(seen_at__gte=Now() - FRESH)

    def taking(self) -> Self:
        """Alive, and open to new sessions."""
        return self.alive().filter(draining=False)


class MediaNode(models.Model):
    """A media process; it writes `seen_at` while it lives.

    `boot` is new with every start: what an earlier boot held is gone.
    """

    name = models.CharField(max_length=40, unique=True)
    boot = models.CharField(max_length=22)
    addresses = models.JSONField(default=list)
    port = models.PositiveIntegerField()
    seen_at = models.DateTimeField(db_index=True)
    draining = models.BooleanField(default=False)

    objects = MediaNodeQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
