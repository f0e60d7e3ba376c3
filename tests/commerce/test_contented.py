"""Whatever a buyer asks for and a shop does, the books balance after each of it."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commerce.actions import aftersales, shipping
from commerce.actions.units import not_back
from commerce.audit import findings
from commerce.models import AfterSale, Order
from realtime.exceptions import CommandError
from realtime.models import OutboxEvent
from tests.commerce.conftest import PRICE, Show
from tests.commerce.fulfilling import paid
from tests.commerce.money_at_hand import receive as deliver
from tests.commerce.test_aftersales import (
    came_back,
    decide,
    opened,
    send_back,
    withdraw,
)
from tests.commerce.test_crossings import cancel
from tests.commerce.test_refunds import give
from tests.commerce.test_shipping import receive, ship

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.usefixtures("alone"),
]

Push = Callable[[Show, Order, AfterSale], object]


def time_passes(show: Show, order: Order, wish: AfterSale) -> None:
    AfterSale.objects.update(due_at=1)
    Order.objects.exclude(due_at=None).update(due_at=1)
    for due in aftersales.due():
        aftersales.move_on(due)
    for moving in shipping.due():
        shipping.move_on(moving)


PUSHES: dict[str, Push] = {
    "one is sent": lambda show, order, _: ship(show.host.pk, order, 1),
    "the rest is sent": lambda show, order, _: ship(show.host.pk, order),
    "it is received": lambda show, order, _: receive(order.buyer_id, order),
    "one is paid back by hand": lambda show, order, _: give(order, PRICE),
    "a little is paid back": lambda show, order, _: give(order, 501),
    "it is called off": lambda show, order, _: cancel(order),
    "money is asked for": lambda show, order, _: opened(order, "refund"),
    "all the money is asked for": lambda show, order, _: opened(order, "refund", 3),
    "a return is asked for": lambda show, order, _: opened(order, "return", 2),
    "another piece is asked for": lambda show, order, _: opened(order, "exchange"),
    "the shop accepts": lambda show, order, wish: decide(show.host.pk, wish),
    "the shop refuses": lambda show, order, wish: decide(show.host.pk, wish, False),
    "the buyer sends": lambda show, order, wish: send_back(order.buyer_id, wish),
    "the buyer withdraws": lambda show, order, wish: withdraw(order.buyer_id, wish),
    "it came back": lambda show, order, wish: came_back(show.host.pk, wish),
    "it came back broken": lambda show, _, wish: came_back(show.host.pk, wish, False),
    "time passes": time_passes,
}


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.sampled_from(sorted(PUSHES)), min_size=3, max_size=14))
def test_whatever_is_asked_and_done_the_audit_is_green(
    show: Show, pushes: list[str]
) -> None:
    OutboxEvent.objects.all().delete()  # nobody sends them here; the audit waits 60 s
    if show.left < 4:
        deliver(show, 6)
    order = paid(show, 3)
    for push in pushes:
        wish = order.aftersales.order_by("-id").first() or AfterSale(pk=0)
        with suppress(CommandError):
            PUSHES[push](show, order, wish)
        order.refresh_from_db()
    assert [str(finding) for finding in findings()] == []
    given_back = sum(refund.amount for refund in order.refunds.all())
    assert given_back <= 3 * PRICE
    if order.state == "closed":
        assert given_back == 3 * PRICE
    assert all(0 <= units <= 3 for _, units in not_back(order))
