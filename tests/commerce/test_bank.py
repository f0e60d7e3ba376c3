"""The bank by itself: its books, its paths, its page, its signature."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as house
from django.test import Client
from pytest_django.fixtures import Settings

from commerce.providers.bank import ledger, signing
from commerce.providers.bank.provider import bank
from commerce.providers.protocol import Charge, Forged
from commerce.providers.signing import sign

pytestmark = pytest.mark.urls("tests.commerce.bank_urls")


@pytest.fixture(autouse=True)
def books(tmp_path: Path, settings: Settings) -> None:
    settings.SOUK_DATA = tmp_path


@pytest.fixture
def shop() -> Client:
    key = signing.secret(house.SECRET_KEY, "api")
    return Client(headers={"Authorization": f"Bearer {key}"})


FORM = {
    "amount": "9900",
    "currency": "cny",
    "description": "Cup",
    "metadata[order]": "0-0",
    "metadata[shop]": "Cups",
}


def create(shop: Client, key: str = "k", **change: str) -> tuple[int, dict[str, Any]]:
    answer = shop.post(
        "/bank/v1/payment_intents",
        {**FORM, **change},
        headers={"Idempotency-Key": key},
    )
    return answer.status_code, json.loads(answer.content)


def test_one_idempotency_key_opens_one_intent(shop: Client) -> None:
    _, first = create(shop)
    assert create(shop) == (200, first)
    assert create(shop, "other")[1]["id"] != first["id"]
    assert create(shop, amount="1") == (400, {"error": {"code": "idempotency_error"}})


@pytest.mark.parametrize("amount", ["", "0", "-1", "1.5", "x", str(10**13)])
def test_an_amount_is_a_whole_number(shop: Client, amount: str) -> None:
    assert create(shop, amount=amount)[0] == 400


def test_strangers_are_not_heard() -> None:
    for client in (Client(), Client(headers={"Authorization": "Bearer x"})):
        assert client.post("/bank/v1/payment_intents", FORM).status_code == 401


def test_what_was_paid_cannot_be_cancelled(shop: Client) -> None:
    ref = create(shop)[1]["id"]
    ledger.move(ref, "succeeded")
    answer = shop.post(f"/bank/v1/payment_intents/{ref}/cancel")
    code = json.loads(answer.content)["error"]["code"]
    assert (answer.status_code, code) == (400, "payment_intent_unexpected_state")
    assert shop.get("/bank/v1/payment_intents/pi_none").status_code == 404


def test_an_intent_ends_once(shop: Client) -> None:
    ref = create(shop)[1]["id"]
    first = ledger.move(ref, "failed")
    second = ledger.move(ref, "succeeded")
    assert first is not None and second is not None
    assert (second[0].status, second[1]) == ("failed", None)
    assert [kind for _, kind in ledger.events(ref)] == ["payment_intent.payment_failed"]
    assert ledger.move("pi_none", "failed") is None


def test_the_page_is_for_a_person_and_pays_once(shop: Client) -> None:
    ref = create(shop)[1]["id"]
    page = Client().get(f"/bank/pay/{ref}")
    assert "¥99.00" in page.content.decode()
    assert page.headers["Cache-Control"].startswith("max-age=0")
    assert Client().get("/bank/pay/pi_none").status_code == 404
    assert Client(enforce_csrf_checks=True).post(f"/bank/pay/{ref}").status_code == 403


def test_news_is_true_only_with_its_signature() -> None:
    key = signing.secret(house.SECRET_KEY, "news")
    body = json.dumps(
        {
            "id": "evt_1",
            "type": "payment_intent.succeeded",
            "data": {
                "object": {
                    "id": "pi_1",
                    "object": "payment_intent",
                    "status": "succeeded",
                    "amount": 9900,
                    "currency": "cny",
                }
            },
        }
    ).encode()
    now = int(time.time())
    header = sign(key, now, body)
    event = bank().event({signing.HEADER: header}, body)
    assert (event.id, event.ref) == ("evt_1", "pi_1")
    assert event.charge == Charge("settled", 9900, "CNY")
    wrongs = ["", "t=1", header[:-1] + "g", sign(key, now, body + b" ")]
    wrongs += [sign(key, now - 301, body), header.replace(f"t={now}", "t=٣")]
    for wrong in wrongs:
        with pytest.raises(Forged):
            bank().event({signing.HEADER: wrong}, body)
    later = header.replace(f"t={now},", f"t={now + 1},")
    with pytest.raises(Forged):
        bank().event({signing.HEADER: later}, body)
