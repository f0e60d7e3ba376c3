"""S24: the house with a teller that takes no lock, for the suite to find out.

Named by SOUK_ROUTER in a run's servers. It sells from a row read a moment ago; on
PostgreSQL `Sale` drops the CHECK as well. Nothing of the product can be switched so.
"""

import time
from collections.abc import Iterable
from copy import copy

from commerce.actions import deciding
from commerce.models import Stock
from config.protocol import router

__all__ = ["router"]

STALE_SECONDS = 0.3
_read: dict[int, tuple[float, Stock]] = {}


def unlocked(ids: Iterable[int]) -> dict[int, Stock]:
    """What `actions.stock.lock` gives, without locking, and as it was just now."""
    now = time.monotonic()
    for stock in Stock.objects.filter(id__in=set(ids)):
        if stock.pk not in _read or _read[stock.pk][0] < now - STALE_SECONDS:
            _read[stock.pk] = now, stock
    return {pk: copy(_read[pk][1]) for pk in set(ids)}


deciding.lock = unlocked  # type: ignore[attr-defined] # not exported: taken over
