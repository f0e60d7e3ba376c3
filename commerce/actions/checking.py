"""What a provider is asked about until it says the end: payments and refunds."""

from django.db.models import F

from commerce.clock import DatabaseNow
from commerce.models import Payment, Refund

FIRST_CHECK_MS = 5_000
LAST_CHECK_MS = 30_000


def claimed(row: Payment | Refund) -> bool:
    """Take a due row, as it was read, and say when it is due again: 5 s doubling to
    30 s. False if another process has it.
    """
    wait = min(FIRST_CHECK_MS * 2 ** min(row.checks, 5), LAST_CHECK_MS)
    mine = type(row).objects.filter(pk=row.pk, check_at=row.check_at)
    return mine.update(check_at=DatabaseNow() + wait, checks=F("checks") + 1) == 1
