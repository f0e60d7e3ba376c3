"""Each invariant is broken by hand, and the audit names it and the row."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from commerce.audit import findings
from commerce.models import (
    Move,
    Order,
    OrderChange,
    OrderLine,
    Payment,
    Stock,
    Tally,
)
from tests.commerce.conftest import open_show
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


def oversell(order: Order) -> None:
    Stock.objects.update(available=0)
    Move.objects.filter(kind="receive").update(delta=2)


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
    ("I4", "offer", lambda order: Tally.objects.update(qty=0)),
    ("I4", "offer", lambda order: Tally.objects.all().delete()),
    ("I5", "order", lambda order: Order.objects.update(digest=b"short")),
    ("I6", "order", lambda order: Order.objects.update(goods=1)),
    ("I6", "line", lambda order: Move.objects.filter(kind="hold").update(delta=-5)),
    ("I6", "move", lambda order: Move.objects.filter(kind="sell").update(line=None)),
    ("I7", "order", lambda order: Payment.objects.update(use=None)),
    ("I7", "order", lambda order: Payment.objects.update(amount=1)),
    ("I7", "payment", lambda order: Payment.objects.update(state="failed")),
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
    assert "I2 stock" in capsys.readouterr().out


def test_a_live_sale_goes_on_while_it_is_audited(sold: Order) -> None:
    reading = findings()
    Order.objects.filter(id=sold.pk).update(goods=1)
    first = next(reading)
    Order.objects.filter(id=sold.pk).update(goods=sold.goods)
    assert first.rule == "I6"
    reading.close()  # type: ignore[attr-defined] # a generator
