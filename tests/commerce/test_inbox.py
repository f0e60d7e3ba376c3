"""News of what is not ours waits for a while, and no longer."""

import pytest

from commerce.actions import inbox
from commerce.actions.inbox import KEPT_MS
from commerce.clock import now_ms
from commerce.models import Inbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def keep(event: str, age: int, handled_at: int | None = None) -> None:
    Inbox.objects.create(
        provider="bank",
        event_id=event,
        kind="payment_intent.succeeded",
        ref="pi_nobody",
        raw=b"{}",
        received_at=now_ms() - age,
        handled_at=handled_at,
    )


def kept() -> list[str]:
    return list(Inbox.objects.order_by("event_id").values_list("event_id", flat=True))


def test_news_that_nobody_read_for_ninety_days_is_thrown_away() -> None:
    keep("new", KEPT_MS - 60_000)
    keep("old", KEPT_MS + 60_000)
    keep("read", KEPT_MS + 60_000, handled_at=1)
    inbox.forget()
    assert kept() == ["new", "read"]


def test_a_round_throws_away_no_more_than_it_is_told() -> None:
    for number in range(3):
        keep(f"old-{number}", KEPT_MS + 60_000)
    inbox.forget(2)
    assert len(kept()) == 1
