"""The media processes, as SQL knows them."""

from django.db import models


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

    def __str__(self) -> str:
        return self.name
