"""Signed news with bytes that no row can hold is refused like any unreadable news."""

import time
from typing import Any

import msgspec
import pytest
from django.conf import settings
from django.test import Client

from commerce.models import Inbox
from commerce.providers.bank.signing import HEADER, secret
from commerce.providers.signing import sign

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

CHARGE = {"object": "charge", "payment_intent": "pi_1"}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"id": "evt\0"}, 400),
        ({"type": "charge\0refunded"}, 400),
        ({"data": {"object": CHARGE | {"payment_intent": "pi\0"}}}, 400),
        (
            {
                "data": {
                    "object": {
                        "object": "payment_intent",
                        "id": "\0",
                        "status": "processing",
                        "amount": 1,
                        "currency": "cny",
                    }
                }
            },
            400,
        ),
    ],
)
def test_a_nul_in_signed_news_is_unreadable(
    change: dict[str, Any], status: int
) -> None:
    news = {"id": "evt_1", "type": "charge.refunded", "data": {"object": CHARGE}}
    body = msgspec.json.encode(news | change)
    header = sign(secret(settings.SECRET_KEY, "news"), int(time.time()), body)
    answer = Client(headers={HEADER: header}).post(
        "/webhooks/pay/bank", body, content_type="application/json"
    )
    assert answer.status_code == status
    assert Inbox.objects.count() == (status == 200)
