"""Holds of several lines, written together: rows, tallies, and what is told of them."""

import uuid

import msgspec
import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from commerce.actions.deciding import decide
from commerce.actions.holding import Goods, Hold, Piece, told_again, write
from commerce.actions.plain import known
from commerce.actions.stock import change, lock
from commerce.models import Move, Order, Sku, Tally
from tests.commerce.conftest import PRICE, Show, open_show

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

encode = msgspec.json.encode
NOW = 1_000


def hold(show: Show, buyer: User, *pieces: Piece, limit: int | None = None) -> Hold:
    command = show.order()
    return Hold(
        order=uuid.uuid4(),
        shop=show.shop,
        buyer=buyer.pk,
        key=command.key,
        digest=b"d" * 16,
        currency="CNY",
        until=NOW + 300_000,
        via=command.via,
        stream=show.stream.pk,
        pieces=pieces,
        limited={} if limit is None else {show.offer: limit},
    )


def cup(show: Show, *, price: int = PRICE, qty: int = 1, part: bool = False) -> Piece:
    goods = Goods(show.sku, show.stock, "Cup", "", {})
    return Piece(show.offer, goods, qty, price, 0 if part else None)


def take(show: Show, *holds: Hold) -> None:
    with transaction.atomic():
        stock = lock([show.stock])[show.stock]
        units = sum(p.qty for h in holds for p in h.pieces if p.goods.stock)
        told = write(holds, NOW)
        change(stock, -units, NOW)
    again = told_again(known({(h.buyer, h.key) for h in holds}))
    assert encode([told[h.order] for h in holds]) == encode(
        [again[h.order] for h in holds]
    )


def test_a_bundle_is_a_priced_line_whose_parts_have_the_units(show: Show) -> None:
    both = Sku.objects.create(product_id=show.product, code="set", prices={})
    set_of_two = Piece(show.offer, Goods(both.pk, None, "Set", "", {}), 2, PRICE)
    buyer = show.buyer()
    take(show, hold(show, buyer, set_of_two, cup(show, price=0, qty=4, part=True)))
    parent, part = Order.objects.get().lines.order_by("id")
    assert (parent.stock_id, parent.qty, parent.net) == (None, 2, 2 * PRICE)
    assert (part.parent, part.stock_id, part.qty, part.net) == (
        parent,
        show.stock,
        4,
        0,
    )
    assert Move.objects.get(kind="hold").line == part
    assert (Order.objects.get().goods, show.left) == (2 * PRICE, 6)


def test_what_a_buyer_has_of_a_limited_offer_adds_up(transactional_db: None) -> None:
    show = open_show(per_buyer=3)
    buyer, other = show.buyers(2)
    take(show, *(hold(show, who, cup(show), limit=3) for who in (buyer, other, buyer)))
    take(show, hold(show, buyer, cup(show), limit=3))
    tallies = Tally.objects.order_by("buyer").values_list("buyer", "qty", "cap")
    assert list(tallies) == [(buyer.pk, 3, 3), (other.pk, 1, 3)]


def test_the_database_keeps_the_limit_too(transactional_db: None) -> None:
    show = open_show(per_buyer=1)
    buyer = show.buyer()
    decide(show.stock, [show.wish(buyer)], {})
    with pytest.raises(IntegrityError):
        take(show, hold(show, buyer, cup(show), limit=1))
    assert show.left == 9
