"""What tests of paying share: a hold, an attempt, news of it, signed by the bank."""

import uuid
from functools import partial

from django.db import transaction
from django.test import Client

from accounts.models import User
from commerce.actions import counting, payments
from commerce.actions.deciding import decide
from commerce.actions.payments import Attempt, Begun
from commerce.commands.orders import OrderHeld, PayOrder
from commerce.commands.stock import ReceiveStock
from commerce.models import Order, Payment, Stock
from commerce.providers.bank import ledger
from commerce.providers.bank.news import signed
from commerce.providers.protocol import Intent
from realtime import once
from tests.commerce.conftest import PRICE, Show, key


def hold(show: Show, buyer: User | None = None, qty: int = 1) -> Order:
    """An order that is held."""
    wish = show.wish(buyer or show.buyer(), qty)
    answer = wish.told(decide(show.stock, [wish], {}).answers)
    assert isinstance(answer, OrderHeld)
    return Order.objects.get(id=answer.order)


def begin(order: Order, *, method: str = "bank", version: int = -1) -> Begun:
    """Begin to pay, as `order.pay` does before it asks the provider."""
    command = PayOrder(
        key=key(),
        order=str(order.pk),
        version=order.version if version < 0 else version,
        method=method,
    )
    act = partial(payments.begin, order.buyer_id, command)
    begun = once(order.buyer_id, command, Begun, act)
    order.refresh_from_db()
    return begun


def pay(order: Order, ref: str = "") -> Payment:
    """An attempt the provider knows as `ref`."""
    begun = begin(order)
    payments.started(uuid.UUID(begun.payment), Intent(ref or f"pi_{key()}"))
    return Payment.objects.get(id=begun.payment)


def attempt(payment: Payment) -> Attempt:
    return payments.attempt(payment.pk)


def news(
    ref: str,
    status: str = "succeeded",
    *,
    amount: int = PRICE,
    event: str = "",
    forged: bool = False,
) -> int:
    """Post what the bank would; the webhook's HTTP status."""
    entry = ledger.Entry(ref, "k", status, amount, "cny", "Cup", "Cups & Co", "o")
    body, headers = signed(entry, event or f"evt_{key()}", f"payment_intent.{status}")
    if forged:
        body = body.replace(b"Cup", b"Cap")
    answer = Client(headers=headers).post(
        "/webhooks/pay/bank", body, content_type="application/json"
    )
    return int(answer.status_code)


def after(order: Order) -> tuple[str, int]:
    """What the order is now, and how many units its stock row has."""
    order.refresh_from_db()
    return order.state, Stock.objects.get(lines__order=order).available


def end_hold(order: Order) -> None:
    """Let its time be over, by the database's clock."""
    Order.objects.filter(id=order.pk).update(expires_at=1)


def receive(show: Show, qty: int) -> None:
    """More units come in."""
    with transaction.atomic():
        command = ReceiveStock(key=key(), sku=show.sku, qty=qty)
        counting.receive_stock(show.host.pk, command)
