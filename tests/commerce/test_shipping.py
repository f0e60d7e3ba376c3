"""An order's way once it is paid: packed, sent in parcels, received, done."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from commerce.actions import shipping
from commerce.commands.shipping import (
    FixShipment,
    OrderState,
    PackOrder,
    Part,
    ReceiveOrder,
    ShipOrder,
    Shipped,
)
from commerce.models import Order, OrderChange, Shipment, ShopMember
from realtime import once
from realtime.exceptions import CommandError
from tests.commerce.conftest import Show, key
from tests.commerce.fulfilling import paid
from tests.commerce.test_payments import told

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.usefixtures("alone"),
]


def pack(user: int, order: Order) -> str:
    command = PackOrder(key=key(), order=str(order.pk))
    return once(user, command, OrderState, partial(shipping.pack, user, command)).state


def ship(user: int, order: Order, qty: int | None = None, line: int = 0) -> int:
    parts = None
    if qty is not None:
        parts = [Part(line=line or order.lines.get().pk, qty=qty)]
    command = ShipOrder(
        key=key(), order=str(order.pk), carrier="sf", number="SF1", lines=parts
    )
    return once(user, command, Shipped, partial(shipping.ship, user, command)).shipment


def receive(user: int, order: Order) -> str:
    command = ReceiveOrder(key=key(), order=str(order.pk))
    act = partial(shipping.receive, user, command)
    return once(user, command, OrderState, act).state


def refusal(act: Any, *arguments: Any) -> tuple[str, dict[str, Any]]:
    with pytest.raises(CommandError) as error:
        act(*arguments)
    return error.value.name, error.value.data


def state(order: Order) -> str:
    order.refresh_from_db()
    return order.state


def test_a_paid_order_is_packed_sent_received_and_done(show: Show) -> None:
    order = paid(show)
    assert pack(show.host.pk, order) == "packed"
    ship(show.host.pk, order)
    assert state(order) == "shipped"
    sent = order.changes.get(state="shipped").at
    assert order.due_at == sent + 10 * 86_400_000
    assert receive(order.buyer_id, order) == "received"
    order.refresh_from_db()
    assert order.due_at == order.changes.get(state="received").at + 7 * 86_400_000
    Order.objects.update(due_at=1)
    shipping.move_on(order.pk)
    assert state(order) == "done"
    assert Order.objects.filter(due_at=None).count() == 1
    assert [c.state for c in order.changes.order_by("version")][2:] == [
        "packed",
        "shipped",
        "received",
        "done",
    ]


def test_what_is_sent_in_parts_is_shipped_with_the_last(show: Show) -> None:
    order = paid(show, 3)
    first = ship(show.host.pk, order, 1)
    assert state(order) == "part_shipped"
    line = order.lines.get().pk
    assert refusal(ship, show.host.pk, order, 3)[1]["path"] == "$.lines[0]"
    ship(show.host.pk, order, 1)
    assert state(order) == "part_shipped"
    last = ship(show.host.pk, order)
    assert (state(order), order.due_at is not None) == ("shipped", True)
    parcels = {p.pk: p.lines for p in Shipment.objects.all()}
    assert parcels[first] == parcels[last] == [{"line": line, "qty": 1}]
    assert any("shipment.changed" in event for event in told(order.buyer_id))


def test_nothing_more_than_what_was_bought_is_sent(show: Show) -> None:
    order, other = paid(show, 2), paid(show)
    line = order.lines.get().pk
    assert refusal(ship, show.host.pk, order, 3)[0] == "bad_request"
    assert refusal(ship, show.host.pk, other, 1, line)[0] == "bad_request"
    twice = ShipOrder(
        key=key(),
        order=str(order.pk),
        carrier="sf",
        number="1",
        lines=[Part(line=line, qty=1), Part(line=line, qty=2)],
    )
    with transaction.atomic():
        assert refusal(shipping.ship, show.host.pk, twice)[0] == "bad_request"
    assert state(order) == "paid"


def test_only_what_is_paid_is_sent_and_only_what_is_sent_received(show: Show) -> None:
    order = paid(show)
    assert refusal(receive, order.buyer_id, order) == ("wrong_state", {"state": "paid"})
    ship(show.host.pk, order)
    wrong = ("wrong_state", {"state": "shipped"})
    assert refusal(ship, show.host.pk, order) == wrong
    assert refusal(pack, show.host.pk, order) == wrong
    receive(order.buyer_id, order)
    assert refusal(receive, order.buyer_id, order)[0] == "wrong_state"


def test_who_sends_is_of_the_shop_and_who_receives_is_the_buyer(show: Show) -> None:
    order, stranger = paid(show), show.buyer()
    service = User.objects.create(username="service")
    ShopMember.objects.create(shop_id=show.shop, user=service, role="service")
    assert refusal(pack, stranger.pk, order)[0] == "not_found"
    assert refusal(pack, order.buyer_id, order)[0] == "permission_denied"
    assert refusal(pack, service.pk, order)[0] == "permission_denied"
    parcel = ship(show.host.pk, order)
    assert refusal(receive, stranger.pk, order)[0] == "not_found"
    assert refusal(receive, show.host.pk, order)[0] == "not_found"
    command = FixShipment(key=key(), shipment=parcel, carrier="ems", number="E2")
    assert refusal(shipping.fix, stranger.pk, command)[0] == "not_found"
    with transaction.atomic():
        shipping.fix(show.host.pk, command)
    kept = Shipment.objects.get(id=parcel)
    assert (kept.carrier, kept.number) == ("ems", "E2")


def test_two_of_the_staff_send_one_order_once(show: Show) -> None:
    order = paid(show, 2)

    def send(_: int) -> str:
        try:
            ship(show.host.pk, order)
        except CommandError as error:
            return error.name
        finally:
            connection.close()
        return "sent"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(send, range(4))) == ["sent", *["wrong_state"] * 3]
    assert Shipment.objects.count() == 1


def test_a_parcel_nobody_speaks_of_counts_as_received_after_ten_days(
    show: Show,
) -> None:
    order = paid(show)
    ship(show.host.pk, order)
    assert shipping.due() == []
    shipping.move_on(order.pk)
    assert state(order) == "shipped"
    Order.objects.update(due_at=1)
    assert shipping.due() == [order.pk]
    shipping.move_on(order.pk)
    assert state(order) == "received"
    change = OrderChange.objects.filter(order=order).latest("version")
    assert (change.by_id, change.reason) == (None, "time")
    assert order.due_at is not None and order.due_at > change.at
    assert shipping.due() == []
