"""What tests of quotes, parcels and after-sales share: a show whose shop ships."""

from typing import Any

from django.db import transaction

from accounts.models import User
from commerce.actions import addresses
from commerce.commands.quotes import QuoteOrder, SaveAddress
from commerce.models import Order, Shop
from tests.commerce.conftest import Show, key, open_show
from tests.commerce.money_at_hand import hold, news, pay

FEES = {
    "CN": {"fee": {"CNY": 800}, "free_over": {"CNY": 19800}},
    "DE": {"fee": {"CNY": 6000}},
}


def shipping_show(**terms: Any) -> Show:
    """A show whose shop ships to China and Germany."""
    show = open_show(**terms)
    Shop.objects.filter(id=show.shop).update(shipping=FEES)
    return show


def home(buyer: User | int, country: str = "CN", **fields: Any) -> int:
    """An address the buyer keeps."""
    command = SaveAddress(
        key=key(),
        name="Ann",
        phone="+86 138-0000",
        country=country,
        line="1 Road",
        **fields,
    )
    with transaction.atomic():
        user = buyer if isinstance(buyer, int) else buyer.pk
        return addresses.save_address(user, command).address


def question(order: Order, address: int | None, **more: Any) -> QuoteOrder:
    return QuoteOrder(key=key(), order=str(order.pk), address=address, **more)


def paid(show: Show, qty: int = 1, buyer: User | None = None) -> Order:
    """An order that is paid, of a shop that ships nothing (yet)."""
    order = hold(show, buyer, qty)
    payment = pay(order)
    assert news(payment.ref or "", amount=payment.amount) == 200
    order.refresh_from_db()
    return order
