"""News that nobody ever asked for: of payments and parcels that are not ours.

Neighbours: settling.py and parcels.py, which keep news and read it.
"""

from commerce.clock import DAY_MS, DatabaseNow
from commerce.models import Inbox

KEPT_MS = 90 * DAY_MS
"""So long news waits for what it is of; no provider sends it again after that."""


def forget(limit: int = 1_000) -> None:
    """Throw away what waited too long, a thousand at a time. What was read is kept: it
    is the history of money, and of parcels.
    """
    old = Inbox.objects.filter(
        handled_at=None, received_at__lt=DatabaseNow() - KEPT_MS
    ).values_list("id", flat=True)
    Inbox.objects.filter(id__in=list(old[:limit]), handled_at=None).delete()
