"""Stripe's provider against our bank, which speaks the calls it makes."""

import time
from collections.abc import Iterator

import msgspec
import pytest
from django.conf import settings as house
from django.test import Client
from pytest_django.fixtures import Settings

from commerce.checks import news_is_verified
from commerce.models import Inbox, Order, Payment, Shop
from commerce.providers import provider, takes
from commerce.providers.bank import dial, ledger
from commerce.providers.bank.dial import Dial
from commerce.providers.bank.news import intent_json
from commerce.providers.bank.signing import secret
from commerce.providers.protocol import Bill, Charge, Declined, Payback, ProviderDown
from commerce.providers.signing import sign
from realtime import db
from tests.commerce.conftest import PRICE, Show, key
from tests.commerce.money_at_hand import begin
from tests.commerce.money_at_hand import hold as hold_rows
from tests.commerce.test_bad_bank import refund_done
from tests.commerce.test_buying import hold, state
from tests.live import Connect, Server, Spawn

pytestmark = [pytest.mark.django_db(transaction=True)]

BILL = Bill(order="o-1", amount=PRICE, currency="CNY", shop="Cups", title="Cup")


@pytest.fixture(autouse=True)
def account(server: Server, settings: Settings) -> Iterator[None]:
    """An account at the bank of the server, as if it were Stripe's."""
    settings.SOUK_DATA = server.log.parent
    settings.SOUK_STRIPE_API = f"{server.url}/bank"
    settings.SOUK_STRIPE_KEY = secret(house.SECRET_KEY, "api")
    settings.SOUK_STRIPE_WEBHOOK_SECRETS = ["whsec_old", "whsec_new"]
    dial.turn(Dial())
    yield
    dial.turn(Dial())


async def test_an_attempt_is_begun_once_a_key_and_its_secret_is_told() -> None:
    stripe, attempt = provider("stripe"), f"order:{key()}:1"
    first = await stripe.start(BILL, attempt)
    assert await stripe.start(BILL, attempt) == first
    assert first.redirect is None
    told = await stripe.secret(first.ref)
    assert told is not None and told.startswith(first.ref)
    assert await stripe.fetch(first.ref) == Charge("started", PRICE, "CNY")


async def test_what_was_paid_is_answered_as_settled_when_cancelled() -> None:
    stripe = provider("stripe")
    paid, left = [(await stripe.start(BILL, f"order:{key()}:1")).ref for _ in "12"]
    ledger.move(paid, "succeeded")
    assert (await stripe.cancel(paid, "c1")).state == "settled"
    assert (await stripe.cancel(left, "c2")).state == "cancelled"
    with pytest.raises(ProviderDown):
        await stripe.fetch("pi_none")


async def test_a_refund_is_given_once_and_asked_about_by_its_key() -> None:
    stripe = provider("stripe")
    ref = (await stripe.start(BILL, f"order:{key()}:1")).ref
    ledger.move(ref, "succeeded")
    dial.turn(Dial(pending=True))
    first = await stripe.refund(ref, 500, f"refund:{ref}", "shop")
    assert first.state == "sent"
    dial.turn(Dial())
    with ledger.books() as book:  # the key alone would be refused from now on
        book.execute("UPDATE refunds SET amount = 499 WHERE id = ?", [first.ref])
    again = await stripe.refund(ref, 500, f"refund:{ref}", "shop")
    assert again == Payback(first.ref, "done")
    assert len(ledger.refunds(ref)) == 1
    with pytest.raises(Declined):
        await stripe.refund(ref, PRICE, f"refund:{ref}-2", "shop")


async def test_history_has_what_this_site_wrote_page_by_page(
    settings: Settings,
) -> None:
    stripe = provider("stripe")
    refs = [(await stripe.start(BILL, f"order:{key()}:{n}")).ref for n in range(103)]
    ledger.move(refs[0], "succeeded")
    await stripe.refund(refs[0], 500, f"refund:{refs[0]}", "shop")
    settings.SOUK_URL = "https://another.example"
    other = (await provider("stripe").start(BILL, f"order:{key()}:1")).ref
    settings.SOUK_URL = house.SOUK_URL
    since = int(time.time()) - 60
    past = {one.ref: one async for one in stripe.history(since)}
    assert set(refs) <= set(past) and other not in past
    (back,) = past[refs[0]].refunds
    assert (back.amount, back.key) == (500, f"refund:{refs[0]}")
    assert past[refs[0]].charge.state == "settled"
    later = [one async for one in stripe.history(since + 3600)]
    assert later == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"secret": "whsec_new"}, 200),
        ({"secret": "whsec_stolen"}, 400),
        ({"age": 301}, 400),
        ({"age": -301}, 400),
        ({"tail": b" "}, 400),
    ],
)
def test_news_counts_only_if_signed_by_a_secret_of_ours_a_moment_ago(
    show: Show, change: dict[str, object], status: int
) -> None:
    Shop.objects.update(methods=["stripe"])
    order = hold_rows(show)
    begin(order, method="stripe")
    ref = f"pi_{key()}"
    Payment.objects.update(ref=ref, state="started", check_at=None)
    entry = ledger.Entry(ref, "", "succeeded", PRICE, "cny", "", "", "")
    news = {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.succeeded",
        "data": {"object": intent_json(entry)},
    }
    body = msgspec.json.encode(news)
    at = int(time.time()) - int(str(change.get("age", 0)))
    header = sign(str(change.get("secret", "whsec_old")), at, body)
    header += ",v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"
    answer = Client(headers={"Stripe-Signature": header}).post(
        "/webhooks/pay/stripe",
        body + bytes(change.get("tail", b"")),  # type: ignore[call-overload] # bytes
        content_type="application/json",
    )
    assert answer.status_code == status
    assert Inbox.objects.count() == (status == 200)
    order.refresh_from_db()
    assert order.state == ("paid" if status == 200 else "paying")


def test_news_of_a_declined_card_leaves_the_attempt_open(show: Show) -> None:
    Shop.objects.update(methods=["stripe"])
    order = hold_rows(show)
    begin(order, method="stripe")
    Payment.objects.update(ref="pi_1", state="started", check_at=None)
    entry = ledger.Entry("pi_1", "", "requires_payment", PRICE, "cny", "", "", "")
    kinds = [
        ("payment_intent.payment_failed", intent_json(entry)),
        ("charge.refunded", {"object": "charge", "payment_intent": "pi_1"}),
        ("customer.created", {"object": "customer"}),
    ]
    for n, (kind, what) in enumerate(kinds):
        news = {"id": f"evt_{n}", "type": kind, "data": {"object": what}}
        body = msgspec.json.encode(news)
        header = sign("whsec_new", int(time.time()), body)
        answer = Client(headers={"Stripe-Signature": header}).post(
            "/webhooks/pay/stripe", body, content_type="application/json"
        )
        assert answer.status_code == 200
    order.refresh_from_db()
    assert order.state == "paying"
    assert not Inbox.objects.filter(handled_at=None).exists()


def test_currencies_that_it_counts_otherwise_are_not_offered() -> None:
    assert takes("stripe", "JPY") and takes("stripe", "KWD")
    assert not takes("stripe", "ISK")
    assert takes("bank", "ISK")


def test_a_key_without_a_webhook_secret_is_refused_at_the_start(
    settings: Settings,
) -> None:
    assert news_is_verified() == []
    settings.SOUK_STRIPE_WEBHOOK_SECRETS = []
    assert [found.id for found in news_is_verified()] == ["commerce.E005"]
    settings.SOUK_STRIPE_KEY = ""
    assert news_is_verified() == []


@pytest.mark.both_databases
async def test_a_card_pays_by_its_secret_and_gets_its_money_back(
    show: Show, connect: Connect, spawn_server: Spawn, settings: Settings
) -> None:
    shop = spawn_server(
        SOUK_STRIPE_API=settings.SOUK_STRIPE_API,
        SOUK_STRIPE_KEY=settings.SOUK_STRIPE_KEY,
        SOUK_STRIPE_WEBHOOK_SECRETS="whsec_old,whsec_new",
    )
    await db(lambda: Shop.objects.update(methods=["stripe"]))
    me = await connect((await db(show.buyer)).pk, to=shop)
    order = await hold(me, show)
    command = {"key": key(), "order": order, "version": 0, "method": "stripe"}
    started = await me.rpc("order.pay", command)
    assert started["redirect"] is None
    assert await me.rpc("order.pay", command) == started
    ref = started["client_secret"].removesuffix("_secret")
    await db(ledger.move, ref, "succeeded")
    await db(lambda: Payment.objects.update(check_at=1))
    await state(me, "paid")
    await me.rpc("order.cancel", {"key": key(), "order": order})
    assert await refund_done(me) == PRICE
    assert [back.amount for back in await db(ledger.refunds, ref)] == [PRICE]
    assert await db(lambda: Order.objects.get().state) == "closed"
