"""Money comes late, twice, wrong, in any order: it pays one order, or it waits."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from commerce import webhooks
from commerce.actions import closing, orders, payments, settling
from commerce.actions.deciding import Wish, decide
from commerce.audit import quarantined
from commerce.commands.orders import CancelOrder, OrderCancelled
from commerce.models import Inbox, Order, Payment, Refund
from commerce.providers.protocol import Charge, Intent
from realtime import once
from realtime.exceptions import CommandError
from realtime.models import OutboxEvent
from tests.commerce.conftest import PRICE, Show, key, open_show
from tests.commerce.money_at_hand import (
    after,
    begin,
    end_hold,
    hold,
    news,
    pay,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.usefixtures("alone"),
]

SETTLED = Charge(state="settled", amount=PRICE, currency="CNY")


def told(buyer: int) -> list[str]:
    rows = OutboxEvent.objects.filter(channels=[f"#{buyer}"]).order_by("id")
    return [bytes(row.data).decode("latin1") for row in rows]


def cancel(order: Order) -> None:
    command = CancelOrder(key=key(), order=str(order.pk))

    def act() -> OrderCancelled:
        return closing.cancel(order.buyer_id, command)[0]

    once(order.buyer_id, command, OrderCancelled, act)


def test_paying_fixes_the_amount_and_gives_three_minutes(show: Show) -> None:
    order = hold(show)
    Order.objects.update(expires_at=order.placed_at + 20_000)
    begun = begin(order)
    assert (order.state, order.amount, order.version) == ("paying", PRICE, 1)
    assert order.expires_at == begun.expires_at
    assert (begun.expires_at or 0) >= order.placed_at + settling.PAY_MS
    assert order.hold_until == order.placed_at + 300_000


def test_news_of_money_pays_the_order(show: Show) -> None:
    order = hold(show)
    payment = pay(order)
    assert news(payment.ref or "") == 200
    assert after(order) == ("paid", 9)
    payment.refresh_from_db()
    assert (payment.state, payment.use, payment.check_at) == ("settled", "order", None)
    assert order.paid_at is not None and order.expires_at is None
    assert [m.kind for m in order.lines.get().moves.order_by("id")] == ["hold", "sell"]
    assert "order.changed" in told(order.buyer_id)[-2]
    assert "payment.changed" in told(order.buyer_id)[-1]


def test_the_same_news_twice_counts_once(show: Show) -> None:
    order = hold(show)
    ref = pay(order).ref or ""
    assert [news(ref, event="evt_1") for _ in range(2)] == [200, 200]
    assert after(order) == ("paid", 9)
    assert Inbox.objects.count() == 1
    assert order.version == 2


def test_ten_at_once_count_once(show: Show) -> None:
    order = hold(show)
    ref = pay(order).ref or ""

    def send(event: str) -> int:
        try:
            return news(ref, event=event)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(send, ["evt_1", "evt_2"] * 5))
    assert statuses == [200] * 10
    assert after(order) == ("paid", 9)
    assert Payment.objects.filter(state="settled").count() == 1


@pytest.mark.parametrize("first", ["failed", "canceled"])
def test_reversed_news_ends_paid(show: Show, first: str) -> None:
    order = hold(show)
    ref = pay(order).ref or ""
    news(ref)
    news(ref, first)
    assert after(order) == ("paid", 9)


def test_forged_or_broken_news_is_refused_and_not_kept(show: Show) -> None:
    order = hold(show)
    ref = pay(order).ref or ""
    counted = webhooks.refused["bank"]
    assert news(ref, forged=True) == 400
    client = Client()
    url = "/webhooks/pay/bank"
    assert client.post(url, b"{", content_type="application/json").status_code == 400
    big = client.post(url, b"x" * 300_000, content_type="application/json")
    assert big.status_code == 413
    assert webhooks.refused["bank"] == counted + 3
    assert client.post("/webhooks/pay/nobody", b"{}", "text/plain").status_code == 404
    assert client.get(url).status_code == 405
    assert Inbox.objects.count() == 0
    assert after(order) == ("paying", 9)


def test_another_amount_pays_nothing_and_waits_for_a_person(show: Show) -> None:
    order = hold(show)
    ref = pay(order).ref or ""
    assert news(ref, amount=PRICE - 1) == 200
    assert after(order) == ("paying", 9)
    payment = Payment.objects.get()
    assert (payment.problem, payment.state) == ("amount", "started")
    assert payment.pk.hex in quarantined()[0].subject.replace("-", "")
    end_hold(order)
    orders.expire(order.pk)
    assert after(order) == ("expired", 10)


def test_news_before_our_row_knows_its_name_is_kept_and_looked_into(
    show: Show,
) -> None:
    order = hold(show)
    begun = begin(order)
    assert news("pi_early") == 200
    assert after(order) == ("paying", 9)
    payment_id = uuid.UUID(begun.payment)
    payments.started(payment_id, Intent("pi_early"))
    assert payments.due("bank") == [payment_id]
    settling.learned(payment_id, SETTLED)
    assert after(order) == ("paid", 9)
    assert Inbox.objects.get().handled_at is not None


def test_a_declined_card_leaves_the_hold_and_its_time(show: Show) -> None:
    order = hold(show)
    payment = pay(order)
    until = order.expires_at
    news(payment.ref or "", "failed")
    assert after(order) == ("held", 9)
    assert order.expires_at == until
    again = pay(order)
    assert again.attempt == 2
    assert again.expires_at == until
    news(again.ref or "")
    assert after(order) == ("paid", 9)


def test_an_open_attempt_must_end_before_the_next(show: Show) -> None:
    order = hold(show)
    first = pay(order)
    with pytest.raises(payments.StillOpen):
        begin(order)
    settling.learned(first.pk, Charge("cancelled", PRICE, "CNY"), ours=True)
    assert after(order) == ("paying", 9)
    assert order.version == 1
    pay(order)
    assert (order.version, Payment.objects.count()) == (2, 2)


def test_news_of_our_own_cancel_takes_no_version_from_who_pays_again(
    show: Show,
) -> None:
    order = hold(show)
    first = pay(order)
    news(first.ref or "", "canceled")
    assert after(order) == ("paying", 9)
    settling.learned(first.pk, Charge("cancelled", PRICE, "CNY"), ours=True)
    assert pay(order).attempt == 2


def test_a_second_payment_of_one_order_is_sent_back(show: Show) -> None:
    """S13, by rows: two cards pay one order."""
    order = hold(show)
    first = pay(order)
    settling.learned(first.pk, Charge("failed", PRICE, "CNY"))
    order.refresh_from_db()
    second = pay(order)
    settling.learned(second.pk, SETTLED)
    settling.learned(first.pk, SETTLED)
    assert after(order) == ("paid", 9)
    first.refresh_from_db()
    assert (first.state, first.use) == ("settled", "refund")
    refund = Refund.objects.get()
    assert (refund.payment, refund.amount) == (first, PRICE)
    assert (refund.reason, refund.state) == ("duplicate", "due")
    settling.learned(first.pk, SETTLED)
    assert Refund.objects.count() == 1


def test_late_money_takes_the_units_again(show: Show) -> None:
    order = hold(show)
    payment = pay(order)
    end_hold(order)
    assert orders.expire(order.pk) == []
    orders.expire(order.pk, unasked=True)
    assert after(order) == ("expired", 10)
    settling.learned(payment.pk, SETTLED)
    assert after(order) == ("paid", 9)
    kinds = [move.kind for move in order.lines.get().moves.order_by("id")]
    assert kinds == ["hold", "release", "rehold", "sell"]


def test_late_money_with_nothing_left_is_sent_back(show: Show) -> None:
    order = hold(show)
    payment = pay(order)
    end_hold(order)
    orders.expire(order.pk, unasked=True)
    hold(show, qty=10)
    settling.learned(payment.pk, SETTLED)
    assert after(order) == ("expired", 0)
    payment.refresh_from_db()
    assert (payment.state, payment.use) == ("settled", "refund")
    assert (Refund.objects.get().reason, Refund.objects.get().amount) == ("late", PRICE)
    assert quarantined() == []


def test_late_money_does_not_pass_a_buyer_s_limit(transactional_db: None) -> None:
    show = open_show(per_buyer=1)
    buyer = show.buyer()
    order = hold(show, buyer)
    payment = pay(order)
    end_hold(order)
    orders.expire(order.pk, unasked=True)
    hold(show, buyer)
    settling.learned(payment.pk, SETTLED)
    assert after(order) == ("expired", 9)
    payment.refresh_from_db()
    assert payment.problem == "late"


def test_what_costs_nothing_is_paid_at_once(transactional_db: None) -> None:
    show = open_show(price=0)
    command = show.order(amount=0)
    wish = Wish(show.buyer().pk, b"d" * 16, command)
    decide(show.stock, [wish], {})
    order = Order.objects.get()
    begin(order, method="free")
    assert after(order) == ("paid", 9)
    payment = Payment.objects.get()
    assert (payment.provider, payment.amount, payment.use) == ("free", 0, "order")


def test_paying_is_refused_by_what_the_order_is(show: Show) -> None:
    order = hold(show)
    for method, version, name in (
        ("bank", 7, "conflict"),
        ("free", 0, "bad_request"),
        ("gold", 0, "bad_request"),
    ):
        with pytest.raises(CommandError) as refused:
            begin(order, method=method, version=version)
        assert refused.value.name == name
    end_hold(order)
    with pytest.raises(CommandError) as refused:
        begin(order)
    assert refused.value.name == "hold_expired"
    orders.expire(order.pk)
    with pytest.raises(CommandError) as refused:
        begin(order)
    assert refused.value.name == "hold_expired"
    other = hold(show)
    cancel(other)
    with pytest.raises(CommandError) as refused:
        begin(other)
    assert (refused.value.name, refused.value.data) == (
        "wrong_state",
        {"state": "cancelled"},
    )


def test_asking_is_claimed_by_one_and_waits_longer_each_time(show: Show) -> None:
    payment = pay(hold(show))
    waits = []
    for _ in range(5):
        Payment.objects.update(check_at=1)
        assert payments.due("bank") == [payment.pk]
        assert payments.claim(payment.pk) is not None
        assert payments.due("bank") == []
        payment.refresh_from_db()
        waits.append((payment.check_at or 0) - payment.order.placed_at)
    steps = [round(wait / 5000) for wait in waits]
    assert steps == [1, 2, 4, 6, 6]


def test_a_provider_away_gives_one_minute_once(show: Show) -> None:
    order = hold(show)
    assert not payments.grace(order.pk)
    end_hold(order)
    assert payments.grace(order.pk)
    order.refresh_from_db()
    assert (order.grace, order.state, order.version) == (True, "held", 1)
    assert "grace" in told(order.buyer_id)[-1]
    assert not payments.grace(order.pk)
    end_hold(order)
    assert not payments.grace(order.pk)
