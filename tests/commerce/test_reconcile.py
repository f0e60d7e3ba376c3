"""Last night's backup and the provider's books: each gap closed, nothing twice."""

import asyncio
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models, transaction
from pytest_django.fixtures import Settings

from commerce.actions import orders, paying, payments, refunds, settling
from commerce.commands.orders import CancelOrder, PayOrder, PayStarted
from commerce.models import Order, Payment, Refund
from commerce.providers.bank import dial, ledger
from commerce.providers.bank.dial import Dial
from commerce.providers.protocol import Charge
from tests.commerce.conftest import PRICE, Show, key
from tests.commerce.money_at_hand import hold
from tests.commerce.test_refunds import give
from tests.live import Server, suspended

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def bank(server: Server, settings: Settings) -> Iterator[None]:
    """The bank of the server, its books empty; whoever asks it does so over HTTP."""
    settings.SOUK_URL, settings.SOUK_DATA = server.url, server.log.parent
    with ledger.books() as book:
        for table in ("events", "refunds", "intents"):
            book.execute(f"DELETE FROM {table}")  # noqa: S608 - one of ours
    dial.turn(Dial(drop=100))
    yield
    dial.turn(Dial())


class Backup:
    """All rows of the shop, and of what was answered and told, as they are now."""

    def __init__(self) -> None:
        found = [*apps.get_app_config("commerce").get_models()]
        found += [*apps.get_app_config("realtime").get_models()]
        self._rows: list[tuple[type[models.Model], list[Any]]] = [
            (model, list(model._default_manager.all())) for model in found
        ]

    def restore(self) -> None:
        with transaction.atomic():
            for model, _ in self._rows:
                everything = model._default_manager.all()
                everything._raw_delete(everything.db)
            for model, rows in self._rows:
                model._default_manager.bulk_create(rows)


def start(order: Order) -> PayStarted:
    """The buyer begins to pay."""
    command = PayOrder(
        key=key(), order=str(order.pk), version=order.version, method="bank"
    )
    return asyncio.run(paying.pay(order.buyer_id, command))


def press(started: PayStarted) -> str:
    """The buyer pays at the bank, and we hear of it by asking; the attempt's name."""
    ref = (started.redirect or "").rpartition("/")[2]
    ledger.move(ref, "succeeded")
    Payment.objects.filter(id=started.payment).update(check_at=1)
    asyncio.run(paying.ask(Payment.objects.get(id=started.payment).pk))
    return ref


def buy(order: Order) -> str:
    return press(start(order))


def cancel(order: Order) -> None:
    command = CancelOrder(key=key(), order=str(order.pk))
    asyncio.run(paying.cancel(order.buyer_id, command))


def send_refunds() -> None:
    """What the sweeper does, until nothing is due."""
    for refund in refunds.due("bank"):
        asyncio.run(paying.send_back(refund))


def reconcile(code: int = 0) -> list[dict[str, Any]]:
    """The gaps it says that it found."""
    out = StringIO()
    ended = 0
    try:
        call_command("reconcile", "bank", "--json", stdout=out)
    except SystemExit as stop:
        ended = int(str(stop.code))
    assert ended == code, out.getvalue()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def state(order: Order) -> str:
    order.refresh_from_db()
    return order.state


def test_a_restored_backup_and_the_bank_s_books_agree_again(show: Show) -> None:
    """S23. Paid, cancelled, given back and ordered since: every gap is closed, once."""
    held, paying_, kept, called_off = (hold(show) for _ in range(4))
    begun = start(paying_)
    refs = {"kept": buy(kept), "off": buy(called_off)}
    backup = Backup()

    refs["held"], refs["paying"] = buy(held), press(begun)
    give(kept, 500)
    cancel(called_off)
    new, newer = hold(show), hold(show)
    refs["new"] = buy(new)
    open_ref = (start(newer).redirect or "").rpartition("/")[2]
    send_refunds()
    backup.restore()

    gaps = {gap["ref"] for gap in reconcile()}
    assert gaps == {*refs.values(), open_ref}
    send_refunds()
    assert [state(order) for order in (held, paying_, kept, called_off)] == [
        "paid",
        "paid",
        "paid",
        "closed",
    ]
    assert kept.lines.get().refunded == 500
    ended = ledger.get(open_ref)
    assert ended is not None and ended.status == "canceled"
    backs = {name: [b.amount for b in ledger.refunds(r)] for name, r in refs.items()}
    assert backs == {
        "kept": [500],
        "off": [PRICE],
        "held": [],
        "paying": [],
        "new": [PRICE],
    }
    assert show.left == 10 - 3

    assert reconcile() == []
    send_refunds()
    again = {name: [b.amount for b in ledger.refunds(r)] for name, r in refs.items()}
    assert again == backs


def test_a_refund_made_again_after_the_restore_is_taken_for_the_lost_one(
    show: Show,
) -> None:
    order = hold(show)
    ref = buy(order)
    backup = Backup()
    give(order, 700)
    send_refunds()
    backup.restore()
    with suspended():
        made = give(order, 700)
        Refund.objects.update(check_at=None)
    gaps = reconcile()
    assert [gap["what"] for gap in gaps] == ["a refund is done"]
    send_refunds()
    assert [back.amount for back in ledger.refunds(ref)] == [700]
    assert Refund.objects.get().pk.hex == made.refund.replace("-", "")


def test_lost_money_of_an_order_whose_unit_another_has_goes_back(show: Show) -> None:
    order = hold(show)
    backup = Backup()
    ref = buy(order)
    backup.restore()
    Order.objects.filter(id=order.pk).update(expires_at=1)
    orders.expire(order.pk)
    hold(show, qty=10)
    assert [gap["what"] for gap in reconcile()] == [
        "was missing",
        "was started, is settled",
    ]
    send_refunds()
    assert state(order) == "expired"
    assert [back.reason for back in ledger.refunds(ref)] == ["late"]
    assert reconcile() == []


def test_money_that_is_in_no_book_and_wrong_amounts_wait_for_a_person(
    show: Show,
) -> None:
    order = hold(show)
    payment = Payment.objects.get(id=start(order).payment)
    Payment.objects.update(amount=PRICE - 1)
    ledger.move(payment.ref or "", "succeeded")
    assert [gap["what"] for gap in reconcile(1)] == ["its money waits for a person"]
    Payment.objects.update(ref="pi_nowhere", amount=PRICE, quarantined_at=None)
    settling.learned(payment.pk, Charge("settled", PRICE, "CNY"))
    Payment.objects.update(ref="pi_nowhere", key="lost")
    whats = [gap["what"] for gap in reconcile(1)]
    assert whats[-1] == "is not in the provider's books"


def test_a_provider_that_is_away_is_not_reconciled(show: Show) -> None:
    dial.turn(Dial(error=100))
    assert reconcile(2) == []
    assert payments.due("bank") == []
