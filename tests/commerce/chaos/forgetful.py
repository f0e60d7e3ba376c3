"""A control: the house with a teller that answers before its commit.

Named by SOUK_ROUTER in a run's servers. Each other transaction is rolled back
after all, as if the power had gone: its winners were told what never was.
"""

from itertools import count

from django.db import transaction

from commerce.actions import deciding
from config.protocol import router

__all__ = ["router"]

_passed = count(1)


def forget(name: str) -> None:
    """Stands where the fail-points do."""
    if name == "orders.before_commit" and next(_passed) % 2:
        transaction.set_rollback(True)


deciding.failpoint = forget  # type: ignore[attr-defined] # not exported: taken over
