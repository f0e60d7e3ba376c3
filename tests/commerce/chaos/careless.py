"""S24: the house with a teller that takes no lock, for the suite to find out.

Named by SOUK_ROUTER in a run's servers. It sells from a row read a while ago; on
PostgreSQL `Sale` drops the CHECK as well. Nothing of the product can be switched so.
"""

from collections.abc import Iterable
from copy import copy
from itertools import count

from commerce.actions import deciding
from commerce.models import Stock
from config.protocol import router

__all__ = ["router"]

STALE = 5
"""A row is believed for so many batches."""
_asked = count()
_read: dict[int, Stock] = {}


def unlocked(ids: Iterable[int]) -> dict[int, Stock]:
    """What `actions.stock.lock` gives, without locking, and as it was before."""
    if next(_asked) % STALE == 0:
        _read.update(Stock.objects.in_bulk(set(ids)))
    return {pk: copy(_read[pk]) for pk in set(ids)}


deciding.lock = unlocked  # type: ignore[attr-defined] # not exported: taken over
