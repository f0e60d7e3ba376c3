"""What the database does not check, the audit does: S25 for every such column."""

from typing import Any

import pytest
from django.db.models import QuerySet

from commerce.actions.deciding import decide
from commerce.audit import findings
from commerce.models import Move, Order, OrderLine
from commerce.references import REFERENCES
from commerce.rules import Rule
from tests.commerce.conftest import Show

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.usefixtures("breaks_books"),
]

NOWHERE = {"order_id": "0" * 32, "stream_id": 404_404}
"""Ids that nothing has."""


def test_no_column_is_forgotten() -> None:
    assert sorted(rule.subject + rule.what for rule in REFERENCES) == [
        "move {0}its line {1} is gone",
        "move {0}its stock {1} is gone",
        "order {0}its shop {1} is gone",
        "order {0}its stream {1} is gone",
        "orderline {0}its offer {1} is gone",
        "orderline {0}its order {1} is gone",
        "orderline {0}its sku {1} is gone",
        "orderline {0}its stock {1} is gone",
    ]


@pytest.mark.parametrize(
    "rule", REFERENCES, ids=lambda rule: f"{rule.table} {rule.what}"
)
def test_a_row_that_refers_to_nothing_is_found(show: Show, rule: Rule) -> None:
    decide(show.stock, [show.wish(show.buyer())], {})
    assert list(findings()) == []
    rows: dict[str, QuerySet[Any]] = {
        "order": Order.objects.all(),
        "orderline": OrderLine.objects.all(),
        "move": Move.objects.filter(kind="hold"),
    }
    column = rule.what.split()[1] + "_id"
    assert rows[rule.table].update(**{column: NOWHERE.get(column, 404_404)}) == 1
    found = [finding for finding in findings() if "is gone" in finding.what]
    assert [finding.rule for finding in found] == ["I6"]
    assert found[0].subject.startswith(f"{rule.table} ")
