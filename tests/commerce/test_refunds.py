"""What goes back to a buyer: never more than was paid, and once."""

import uuid

import pytest

from commerce.actions import closing, refunds, settling
from commerce.audit import quarantined
from commerce.commands.orders import CancelOrder, OrderCancelled
from commerce.commands.shipping import (
    CreateRefund,
    MarkPaid,
    MarkRefunded,
    OrderState,
    Refunded,
    RefundPart,
)
from commerce.models import Order, Payment, Refund
from commerce.providers.protocol import Charge, Payback
from realtime import once
from realtime.exceptions import CommandError
from tests.commerce.conftest import PRICE, Show, key
from tests.commerce.money_at_hand import after, begin, hold, news, pay
from tests.commerce.test_payments import told

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.usefixtures("alone"),
]


@pytest.fixture
def bought(show: Show) -> Order:
    """Two cups, paid; shipping cost 1,000 beside them."""
    order = hold(show, qty=2)
    Order.objects.update(shipping=1000)
    payment = pay(order)
    Payment.objects.update(amount=2 * PRICE + 1000)
    Order.objects.update(amount=2 * PRICE + 1000)
    news(payment.ref or "", amount=2 * PRICE + 1000)
    assert after(order) == ("paid", 8)
    return order


def give(
    order: Order, amount: int, *, by: int = 0, qty: int | None = None, line: int = 0
) -> Refunded:
    """The shop's `refund.create`."""
    user = by or order.shop.account_id
    part = RefundPart(line=line or order.lines.get().pk, amount=amount, qty=qty)
    command = CreateRefund(key=key(), order=str(order.pk), lines=[part], reason="crack")
    return once(
        user, command, Refunded, lambda: refunds.create_refund(user, command)[0]
    )


def cancel(order: Order, *, by: int = 0) -> OrderCancelled:
    user = by or order.buyer_id
    command = CancelOrder(key=key(), order=str(order.pk), reason="no more")
    return once(user, command, OrderCancelled, lambda: closing.cancel(user, command)[0])


def refusal(order: Order, amount: int, **more: int) -> tuple[str, object]:
    with pytest.raises(CommandError) as refused:
        give(order, amount, **more)
    return refused.value.name, refused.value.data


def test_a_part_goes_back_and_the_order_keeps_its_state(bought: Order) -> None:
    answer = give(bought, 500)
    assert answer.state == "due"
    assert after(bought) == ("paid", 8)
    line = bought.lines.get()
    assert (line.refunded, bought.version) == (500, 2)
    refund = Refund.objects.get()
    assert (refund.amount, refund.reason, refund.note) == (500, "shop", "crack")
    assert refunds.due("bank") == [refund.pk]
    assert "refund.changed" in told(bought.buyer_id)[-1]


def test_no_line_gives_back_more_than_was_paid_for_it(bought: Order) -> None:
    give(bought, 2 * PRICE - 100)
    assert refusal(bought, 101) == ("refund_exceeds", {"left": 100})
    assert Refund.objects.count() == 1


def test_shipping_goes_back_with_the_last_of_the_lines(bought: Order) -> None:
    give(bought, PRICE)
    give(bought, PRICE)
    assert sorted(r.amount for r in Refund.objects.all()) == [PRICE, PRICE + 1000]
    assert refusal(bought, 1) == ("refund_exceeds", {"left": 0})


def test_refunds_are_for_staff_of_paid_orders_of_their_own(
    bought: Order, show: Show
) -> None:
    assert refusal(bought, 1, by=bought.buyer_id)[0] == "permission_denied"
    assert refusal(bought, 1, by=show.buyer().pk)[0] == "not_found"
    assert refusal(bought, 1, qty=3)[0] == "bad_request"
    assert refusal(bought, 1, line=10**6)[0] == "bad_request"
    unpaid = hold(show)
    assert refusal(unpaid, 1) == ("wrong_state", {"state": "held"})
    assert Refund.objects.count() == 0


@pytest.mark.parametrize("state", ["paid", "customs", "packed"])
def test_cancelling_what_was_not_sent_gives_all_back_and_restocks(
    bought: Order, state: str
) -> None:
    if state != "paid":
        from django.db import transaction

        from commerce.actions.orders import change_state, locked

        with transaction.atomic():
            change_state(locked(bought.pk), state, 1)  # type: ignore[arg-type] # a table
    give(bought, 300)
    answer = cancel(bought)
    assert after(bought) == ("closed", 10)
    assert answer.state == "closed"
    refund = Refund.objects.get(id=answer.refund or "")
    assert (refund.amount, refund.reason) == (2 * PRICE + 700, "cancel")
    kinds = [move.kind for move in bought.lines.get().moves.order_by("id")]
    assert kinds == ["hold", "sell", "restock"]
    with pytest.raises(CommandError) as refused:
        cancel(bought)
    assert (refused.value.name, refused.value.data) == (
        "wrong_state",
        {"state": "closed"},
    )


def test_the_shop_may_cancel_too(bought: Order) -> None:
    assert cancel(bought, by=bought.shop.account_id).state == "closed"


def test_money_after_the_order_was_closed_is_sent_back(
    show: Show,
) -> None:
    order = hold(show)
    first = pay(order)
    settling.learned(first.pk, Charge("failed", PRICE, "CNY"))
    order.refresh_from_db()
    news(pay(order).ref or "")
    order.refresh_from_db()
    cancel(order)
    settling.learned(first.pk, Charge("settled", PRICE, "CNY"))
    assert after(order) == ("closed", 10)
    reasons = sorted(r.reason for r in Refund.objects.all())
    assert reasons == ["cancel", "duplicate"]


def test_a_refund_is_claimed_by_one_and_asked_for_until_its_end(bought: Order) -> None:
    refund = uuid.UUID(give(bought, 500).refund)
    errand = refunds.claim(refund)
    assert errand is not None
    assert (errand.key, errand.amount) == (f"refund:{refund}", 500)
    assert refunds.due("bank") == []
    refunds.learned(refund, Payback("re_1", "sent"))
    Refund.objects.update(check_at=1)
    assert refunds.due("bank") == [refund]
    refunds.learned(refund, Payback("re_1", "done"))
    row = Refund.objects.get()
    assert (row.state, row.ref, row.check_at) == ("done", "re_1", None)
    assert refunds.claim(refund) is None
    refunds.learned(refund, Payback("re_1", "failed"))
    row.refresh_from_db()
    assert row.state == "done"
    assert sum("refund.changed" in text for text in told(bought.buyer_id)) == 3


def test_a_refund_that_failed_may_be_made_again(bought: Order) -> None:
    refund = uuid.UUID(give(bought, 500).refund)
    refunds.learned(refund, Payback("", "failed"))
    assert bought.lines.get().refunded == 0
    assert refund.hex in quarantined()[0].subject.replace("-", "")
    give(bought, 500)
    assert bought.lines.get().refunded == 500


def mark(order: Order, *, by: int = 0, reference: str = "bank 77") -> OrderState:
    user = by or order.shop.account_id
    command = MarkPaid(key=key(), order=str(order.pk), reference=reference)
    return once(user, command, OrderState, lambda: settling.mark_paid(user, command))


@pytest.fixture
def by_hand(show: Show) -> Order:
    """An order to be paid by transfer."""
    order = hold(show)
    order.shop.methods = ["bank", "manual"]
    order.shop.save()
    begun = begin(order, method="manual")
    assert begun.expires_at is None
    return order


def test_what_is_paid_by_hand_is_held_until_the_shop_has_the_money(
    by_hand: Order,
) -> None:
    payment = Payment.objects.get()
    assert (by_hand.state, by_hand.expires_at) == ("paying", None)
    assert (payment.state, payment.check_at) == ("started", None)
    assert mark(by_hand).state == "paid"
    assert after(by_hand) == ("paid", 9)
    change = by_hand.changes.order_by("version").last()
    assert change is not None
    assert (change.reason, change.by_id) == ("bank 77", by_hand.shop.account_id)
    with pytest.raises(CommandError) as refused:
        mark(by_hand)
    assert refused.value.name == "wrong_state"


def test_only_the_shop_says_that_it_was_paid(by_hand: Order, show: Show) -> None:
    for who, name in ((by_hand.buyer_id, "permission_denied"), (0, "not_found")):
        with pytest.raises(CommandError) as refused:
            mark(by_hand, by=who or show.buyer().pk)
        assert refused.value.name == name
    with pytest.raises(CommandError) as refused:
        mark(hold(show))
    assert refused.value.name == "wrong_state"


def test_time_runs_again_when_paying_by_hand_was_given_up(by_hand: Order) -> None:
    payment = Payment.objects.get()
    settling.learned(payment.pk, Charge("cancelled", 0, ""), ours=True)
    by_hand.refresh_from_db()
    assert by_hand.expires_at is not None
    card = pay(by_hand)
    assert (card.attempt, card.provider) == (2, "bank")


def test_a_transfer_after_cancelling_is_late_money(by_hand: Order, show: Show) -> None:
    payment = Payment.objects.get()
    settling.learned(payment.pk, Charge("cancelled", 0, ""), ours=True)
    cancel(by_hand)
    hold(show, qty=10)
    assert mark(by_hand).state == "cancelled"
    assert Refund.objects.get().reason == "late"


def mark_back(order: Order, refund: str, *, by: int = 0) -> Refunded:
    user = by or order.shop.account_id
    command = MarkRefunded(key=key(), refund=refund, reference="cash")
    return once(user, command, Refunded, lambda: refunds.mark_done(user, command))


def test_what_was_paid_by_hand_is_back_when_the_shop_says_so(
    by_hand: Order, show: Show
) -> None:
    mark(by_hand)
    refund = cancel(by_hand).refund or ""
    assert refunds.due("manual") == [uuid.UUID(refund)]
    refunds.learned(uuid.UUID(refund), Payback("x", "sent"))
    assert Refund.objects.get().check_at is None
    for who, name in ((by_hand.buyer_id, "permission_denied"), (0, "not_found")):
        with pytest.raises(CommandError) as refused:
            mark_back(by_hand, refund, by=who or show.buyer().pk)
        assert refused.value.name == name
    assert mark_back(by_hand, refund).state == "done"
    with pytest.raises(CommandError) as refused:
        mark_back(by_hand, refund)
    assert refused.value.name == "wrong_state"


def test_only_what_was_paid_by_hand_is_given_back_by_hand(bought: Order) -> None:
    refund = give(bought, 500).refund
    with pytest.raises(CommandError) as refused:
        mark_back(bought, refund)
    assert (refused.value.name, refused.value.data) == ("wrong_state", {"state": "due"})


def test_money_for_an_older_quote_goes_back(show: Show) -> None:
    order = hold(show)
    first = pay(order)
    settling.learned(first.pk, Charge("failed", PRICE, "CNY"))
    Order.objects.update(amount=PRICE + 800, shipping=800)
    settling.learned(first.pk, Charge("settled", PRICE, "CNY"))
    assert after(order) == ("held", 9)
    assert Refund.objects.get().reason == "late"


def test_needless_money_its_provider_will_not_give_back_waits_for_a_person(
    show: Show,
) -> None:
    order = hold(show)
    first = pay(order)
    settling.learned(first.pk, Charge("failed", PRICE, "CNY"))
    order.refresh_from_db()
    news(pay(order).ref or "")
    settling.learned(first.pk, Charge("settled", PRICE, "CNY"))
    refunds.learned(Refund.objects.get().pk, Payback("", "failed"))
    first.refresh_from_db()
    assert first.problem == "refund"
    assert sorted(f.subject.split()[0] for f in quarantined()) == ["payment", "refund"]
