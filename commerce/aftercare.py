"""I13, as rules of the audit: what is sent was bought, and what follows belongs to it.

Neighbours: rules.py has the rules of stock, orders and money; audit.py runs them all.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from commerce.rules import Rule
from realtime.audit import Finding

RULES = [
    Rule(
        "I13",
        "order",
        "order {0}",
        "is {1} with {2} parcels",
        """SELECT * FROM (SELECT o.id, o.state, (SELECT COUNT(*)
         FROM commerce_shipment s WHERE s.order_id = o.id) AS parcels
        FROM commerce_order o) sent
        WHERE (state IN ('part_shipped', 'shipped', 'received', 'done') AND parcels = 0)
        OR (state NOT IN ('part_shipped', 'shipped', 'received', 'done', 'closed')
         AND parcels > 0) ORDER BY id""",
    ),
    Rule(
        "I13",
        "aftersale",
        "after-sale {0}",
        "is {1} with refund {2}, replacement {3}",
        """SELECT w.id, w.state, COALESCE(CAST(w.refund_id AS text), 'none'),
        COALESCE(CAST(w.replacement_id AS text), 'none')
        FROM commerce_aftersale w JOIN commerce_order o ON o.id = w.order_id
        LEFT JOIN commerce_refund r ON r.id = w.refund_id
        LEFT JOIN commerce_order n ON n.id = w.replacement_id
        WHERE (w.state <> 'done'
         AND (w.refund_id IS NOT NULL OR w.replacement_id IS NOT NULL))
        OR r.order_id <> w.order_id OR n.buyer_id <> o.buyer_id
        OR n.shop_id <> o.shop_id OR n.goods <> 0 ORDER BY w.id""",
    ),
]

PARCELS = "SELECT lines FROM commerce_shipment ORDER BY id"
LINES = "SELECT id, qty FROM commerce_orderline WHERE parent_id IS NULL ORDER BY id"


def oversent(
    parcels: Sequence[Sequence[Any]], lines: Sequence[Sequence[Any]]
) -> Iterator[Finding]:
    """No more units of a line are in parcels than were bought."""
    sent: Counter[int] = Counter()
    for (parts,) in parcels:
        for part in json.loads(parts) if isinstance(parts, str) else parts:
            sent[part["line"]] += part["qty"]
    bought: dict[int, int] = {int(line): int(qty) for line, qty in lines}
    for line, units in sorted(sent.items()):
        if units > bought.get(line, 0):
            what = f"{units} sent of {bought.get(line, 0)}"
            yield Finding("I13", f"line {line}", what)
