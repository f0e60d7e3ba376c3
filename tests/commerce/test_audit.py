"""S25. Each invariant is broken by hand, and the audit names it and the row."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from commerce.audit import checked, findings
from commerce.models import (
    AfterSale,
    Move,
    Order,
    OrderChange,
    OrderLine,
    Payment,
    Refund,
    RefundLine,
    Shipment,
    Stock,
    Tally,
    Wait,
)
from tests.commerce.conftest import PRICE, open_show
from tests.commerce.money_at_hand import hold, news, pay

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.usefixtures("breaks_books"),
]


@pytest.fixture
def sold(transactional_db: None) -> Order:
    """A shop whose every table has a row: one paid order, one hold, one expired."""
    show = open_show(per_buyer=2)
    order = hold(show, show.buyer())
    news(pay(order).ref or "")
    hold(show, show.buyer())
    order.refresh_from_db()
    assert list(findings()) == []
    return order


def unchecked(sql: str) -> None:
    """Write what constraints forbid, as a bad restore might have."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            cursor.execute(sql)
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
        else:
            cursor.execute(
                "ALTER TABLE commerce_stock DROP CONSTRAINT stock_never_below_zero"
            )
            cursor.execute(sql)


def come_back(order: Order, units: int) -> None:
    line = order.lines.get()
    assert line.stock is not None
    Move.objects.create(
        stock=line.stock, kind="restock", delta=units, ref="r", line=line, at=1
    )


def refund(order: Order, amount: int, of_line: int = 0) -> None:
    """Money given back, of which `of_line` is said to be for the order's line."""
    made = Refund.objects.create(
        payment=order.payments.get(), order=order, amount=amount, reason="shop", at=1
    )
    if of_line:
        RefundLine.objects.create(refund=made, line=order.lines.get(), amount=of_line)


def add_part(order: Order, **wrong: Any) -> None:
    """Make the order's line one of a bundle."""
    parent = order.lines.get()
    part = OrderLine.objects.get(id=parent.pk)
    part.pk, part.parent = None, parent
    part.price = part.net = 0
    for name, value in wrong.items():
        setattr(part, name, value)
    part.save(force_insert=True)


def wait(order: Order, state: str) -> None:
    line = order.lines.get()
    Wait.objects.create(
        offer=line.offer, user=order.buyer, qty=1, state=state, order=order, at=1
    )


def parcel(order: Order, qty: int) -> None:
    lines = [{"line": order.lines.get().pk, "qty": qty}]
    Shipment.objects.create(order=order, carrier="c", number="n", lines=lines, at=1)


def wish(order: Order, state: str, **more: Any) -> None:
    AfterSale.objects.create(
        order=order, kind="exchange", lines=[], reason="r", state=state, at=1, **more
    )


BREAKS: list[tuple[str, str, Callable[[Order], Any]]] = [
    ("I2", "stock", lambda order: Stock.objects.update(available=3)),
    (
        "I2",
        "sku",
        lambda order: Move.objects.filter(kind="receive").update(kind="hold"),
    ),
    ("I3", "line", lambda order: Move.objects.filter(kind="sell").delete()),
    (
        "I3",
        "line",
        lambda order: Order.objects.filter(state="held").update(state="expired"),
    ),
    ("I3", "line", lambda order: come_back(order, 2)),
    (
        "I2",
        "sku",
        lambda order: Order.objects.filter(state="held").update(state="expired"),
    ),
    ("I4", "offer", lambda order: Tally.objects.update(qty=0)),
    ("I4", "offer", lambda order: Tally.objects.all().delete()),
    ("I5", "order", lambda order: Order.objects.update(digest=b"short")),
    ("I6", "order", lambda order: Order.objects.update(goods=1)),
    ("I6", "line", lambda order: Move.objects.filter(kind="hold").update(delta=-5)),
    ("I6", "line", lambda order: order.lines.update(net=PRICE + 1)),
    ("I6", "order", lambda order: order.lines.update(discount=1, net=PRICE - 1)),
    ("I6", "line", lambda order: order.lines.update(stock=None)),
    ("I6", "line", lambda order: add_part(order, price=1, net=1)),
    ("I6", "move", lambda order: Move.objects.filter(kind="sell").update(line=None)),
    ("I7", "order", lambda order: Payment.objects.update(use=None)),
    ("I7", "order", lambda order: Payment.objects.update(amount=1)),
    ("I7", "payment", lambda order: Payment.objects.update(state="failed")),
    ("I7", "payment", lambda order: Payment.objects.update(use="refund")),
    ("I7", "order", lambda order: Order.objects.filter(id=order.pk).update(tax=5)),
    ("I8", "payment", lambda order: refund(order, PRICE + 1)),
    ("I8", "line", lambda order: order.lines.update(refunded=1)),
    ("I8", "line", lambda order: refund(order, PRICE, of_line=PRICE)),
    ("I8", "refund", lambda order: refund(order, 5, of_line=6)),
    ("I12", "wait", lambda order: wait(order, "offered")),
    ("I12", "wait", lambda order: wait(Order.objects.get(state="held"), "bought")),
    ("I13", "line", lambda order: parcel(order, 2)),
    ("I13", "order", lambda order: parcel(order, 1)),
    ("I13", "order", lambda order: Order.objects.update(state="shipped")),
    ("I13", "after-sale", lambda order: wish(order, "asked", replacement=order)),
    ("I13", "after-sale", lambda order: wish(order, "done", replacement=order)),
    ("I9", "order", lambda order: OrderChange.objects.filter(version=1).delete()),
    (
        "I9",
        "order",
        lambda order: OrderChange.objects.filter(version=2).update(state="held"),
    ),
    ("I9", "order", lambda order: Order.objects.filter(id=order.pk).update(version=9)),
]


@pytest.mark.parametrize(
    ("rule", "subject", "damage"),
    BREAKS,
    ids=[f"{rule}-{subject}-{n}" for n, (rule, subject, _) in enumerate(BREAKS)],
)
def test_damage_is_named(
    sold: Order, rule: str, subject: str, damage: Callable[[Order], Any]
) -> None:
    damage(sold)
    named = [f for f in findings() if f.rule == rule]
    assert named, [str(f) for f in findings()]
    assert any(f.subject.startswith(subject) for f in named)


def test_a_row_below_zero_is_named(sold: Order) -> None:
    try:
        unchecked("UPDATE commerce_stock SET available = -1")
        found = [f for f in findings() if f.rule == "I1"]
    finally:
        Stock.objects.update(available=0)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "ALTER TABLE commerce_stock ADD CONSTRAINT"
                    " stock_never_below_zero CHECK (available >= 0)"
                )
    assert [f.what for f in found] == ["available is -1"]


def test_an_order_without_lines_is_named(sold: Order) -> None:
    Move.objects.filter(line__order=sold).delete()
    OrderLine.objects.filter(order=sold).delete()
    assert {f.rule for f in findings()} >= {"I2", "I6"}


def test_the_command_s_exit_says_what_it_found(
    sold: Order, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("audit_commerce")
    Stock.objects.update(available=3)
    with pytest.raises(SystemExit) as ended:
        call_command("audit_commerce", only="I2")
    assert ended.value.code == 1
    told = capsys.readouterr().out
    assert "I2 red" in told
    assert "I2 stock" in told


def test_each_rule_is_told_green_with_the_rows_it_read(sold: Order) -> None:
    told = {one.rule: one for one in checked()}
    assert list(told) == [f"I{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13)]
    assert not any(one.found for one in told.values())
    assert told["I1"].read == 1
    assert all(one.read for rule, one in told.items() if rule not in ("I12", "I13"))


def test_twenty_offenders_of_a_rule_are_named_and_no_more(sold: Order) -> None:
    OrderChange.objects.bulk_create(
        OrderChange(order=sold, version=n, was="paid", state="held", at=1)
        for n in range(100, 130)
    )
    (changes,) = [one for one in checked() if one.rule == "I9"]
    assert len(changes.found) == 20


def test_a_live_sale_goes_on_while_it_is_audited(sold: Order) -> None:
    reading = findings()
    Order.objects.filter(id=sold.pk).update(goods=1)
    first = next(reading)
    Order.objects.filter(id=sold.pk).update(goods=sold.goods)
    assert first.rule == "I6"
    reading.close()  # type: ignore[attr-defined] # a generator
