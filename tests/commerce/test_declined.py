"""Attempts that their provider will not begin: over at once, and another may follow."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from commerce.actions import paying, payments
from commerce.models import Order, Payment
from commerce.providers import provider
from commerce.providers.bank import dial, ledger
from commerce.providers.bank.dial import Dial
from commerce.providers.protocol import Bill, Declined, ProviderDown
from realtime import db
from realtime.testing import Refused
from tests.commerce.conftest import PRICE, Show, key
from tests.commerce.money_at_hand import begin
from tests.commerce.money_at_hand import hold as hold_rows
from tests.commerce.test_buying import at_the_bank, hold, pay, state
from tests.live import Connect, Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def books(server: Server, settings: Settings) -> Iterator[None]:
    """The bank's books, opened from outside the server; the dial rests after it."""
    settings.SOUK_DATA = server.log.parent
    settings.SOUK_URL = server.url
    dial.turn(Dial(decline=True))
    yield
    dial.turn(Dial())


async def test_a_declined_attempt_fails_and_the_next_one_pays(
    show: Show, connect: Connect, server: Server
) -> None:
    me = await connect((await db(show.buyer)).pk)
    order = await hold(me, show)
    command = {"key": key(), "order": order, "version": 0, "method": "bank"}
    for _ in range(2):  # the same key has the same answer
        with pytest.raises(Refused) as refused:
            await me.rpc("order.pay", command)
        assert refused.value.name == "payment_declined"
    told = await me.push(type="payment.changed")
    assert (told["state"], told["reason"]) == ("failed", "declined")
    held = await state(me, "held")
    rows = await db(Order.objects.get)
    assert held["expires_at"] == rows.expires_at
    payment = await db(Payment.objects.get)
    assert (payment.state, payment.check_at) == ("failed", None)
    await db(dial.turn, Dial())
    started = await pay(me, order, held["version"])
    await at_the_bank(server, started["redirect"])
    await state(me, "paid")


async def test_an_attempt_declined_when_it_is_asked_about_fails(show: Show) -> None:
    order = await db(hold_rows, show)
    begun = await db(begin, order)
    await db(lambda: Payment.objects.update(check_at=1))
    await paying.ask((await db(Payment.objects.get)).pk)
    await db(order.refresh_from_db)
    payment = await db(payments.attempt, begun.payment)
    assert (order.state, payment.failed) == ("held", True)


async def test_a_hold_with_a_declined_attempt_is_let_go_of_in_time(show: Show) -> None:
    order = await db(hold_rows, show)
    await db(begin, order)
    await db(lambda: Order.objects.update(expires_at=1))
    assert await paying.expire(order.pk) == [show.stock]
    await db(order.refresh_from_db)
    assert (order.state, order.grace) == ("expired", False)


async def test_a_key_that_stands_for_another_body_is_no_word_on_the_attempt() -> None:
    dial.turn(Dial())
    bank, attempt = provider("bank"), f"order:{key()}:1"
    bill = Bill(order="o-1", amount=PRICE, currency="CNY", shop="Cups", title="Cup")
    ref = (await bank.start(bill, attempt)).ref
    dial.turn(Dial(decline=True))
    assert (await bank.start(bill, attempt)).ref == ref
    with pytest.raises(Declined):
        await bank.start(bill, f"{attempt}0")
    other = Bill(order="o-2", amount=PRICE, currency="CNY", shop="Cups", title="Cup")
    with pytest.raises(ProviderDown):
        await bank.start(other, attempt)
    assert ledger.knows(attempt)
