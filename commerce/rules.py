"""The invariants of shops, stock and orders, as SQL that finds who breaks them.

Data for audit.py, which runs them; those of money are in money_rules.py. They trust
rows, not constraints: so they find damage after a restore, too. Both databases read
the same text.
"""

from msgspec import Struct

SOLD = """('paid', 'customs', 'packed', 'part_shipped', 'shipped', 'received', 'done',
    'closed')"""
GONE = "('expired', 'cancelled')"
SWAPPED = "EXISTS (SELECT 1 FROM commerce_aftersale a WHERE a.replacement_id = o.id)"
"""Sent for pieces that came back: it counts against no limit."""


class Rule(Struct, frozen=True):
    """`sql` gives a row for each offender; `subject` and `what` are filled from it.

    `table` is what it is about: its rows are those that were read.
    """

    number: str
    table: str
    subject: str
    what: str
    sql: str


STOCK = [
    Rule(
        "I1",
        "stock",
        "stock {0}",
        "available is {1}",
        "SELECT id, available FROM commerce_stock WHERE available < 0 ORDER BY id",
    ),
    Rule(
        "I2",
        "stock",
        "stock {0}",
        "available is {1}, its movements make {2}",
        """SELECT s.id, s.available, COALESCE(SUM(m.delta), 0) FROM commerce_stock s
        LEFT JOIN commerce_move m ON m.stock_id = s.id GROUP BY s.id, s.available
        HAVING s.available <> COALESCE(SUM(m.delta), 0) ORDER BY s.id""",
    ),
    Rule(
        "I2",
        "sku",
        "sku {0}",
        "{1} came in, but {2} are available, {3} held or sold, {4} of those came back",
        f"""SELECT * FROM (SELECT k.id, COALESCE(moved.counted, 0) AS counted,
        COALESCE(left_.available, 0) AS available, COALESCE(had.kept, 0) AS kept,
        COALESCE(moved.back, 0) AS back
        FROM commerce_sku k
        LEFT JOIN (SELECT s.sku_id,
         SUM(CASE WHEN m.kind IN ('receive', 'adjust') THEN m.delta END) AS counted,
         SUM(CASE m.kind WHEN 'restock' THEN m.delta END) AS back
         FROM commerce_move m JOIN commerce_stock s ON s.id = m.stock_id
         GROUP BY s.sku_id) moved ON moved.sku_id = k.id
        LEFT JOIN (SELECT sku_id, SUM(available) AS available FROM commerce_stock
         GROUP BY sku_id) left_ ON left_.sku_id = k.id
        LEFT JOIN (SELECT l.sku_id, SUM(l.qty) AS kept FROM commerce_orderline l
         JOIN commerce_order o ON o.id = l.order_id
         WHERE l.stock_id IS NOT NULL AND o.state NOT IN {GONE}
         GROUP BY l.sku_id) had ON had.sku_id = k.id) sums
        WHERE counted <> available + kept - back ORDER BY id""",  # noqa: S608 - ours
    ),
    Rule(
        "I3",
        "move",
        "move {0} {1}",
        "happened {2} times",
        """SELECT kind, ref, COUNT(*) FROM commerce_move GROUP BY kind, ref
        HAVING COUNT(*) > 1 ORDER BY kind, ref""",
    ),
    Rule(
        "I3",
        "orderline",
        "line {0}",
        "is {1} with {2} units, of which {3} came back",
        f"""SELECT l.id, o.state, l.qty, SUM(m.delta) FROM commerce_orderline l
        JOIN commerce_order o ON o.id = l.order_id
        JOIN commerce_move m ON m.line_id = l.id AND m.kind = 'restock'
        GROUP BY l.id, o.state, l.qty
        HAVING SUM(m.delta) > l.qty OR MIN(m.delta) <= 0 OR o.state NOT IN {SOLD}
        ORDER BY l.id""",  # noqa: S608 - ours
    ),
]

ORDERS = [
    Rule(
        "I4",
        "tally",
        "offer {0}, buyer {1}",
        "the tally says {2} of {3}, the orders say {4}",
        f"""SELECT * FROM (SELECT t.offer_id, t.buyer_id, t.qty, t.cap,
        (SELECT COALESCE(SUM(l.qty), 0) FROM commerce_orderline l JOIN commerce_order o
         ON o.id = l.order_id WHERE l.offer_id = t.offer_id
         AND l.parent_id IS NULL AND o.buyer_id = t.buyer_id
         AND o.state NOT IN {GONE} AND NOT {SWAPPED}) AS kept
        FROM commerce_tally t) sums WHERE qty <> kept OR qty > cap
        ORDER BY offer_id, buyer_id""",  # noqa: S608 - ours
    ),
    Rule(
        "I4",
        "tally",
        "offer {0}, buyer {1}",
        "bought {2} of an offer with a limit, and has no tally",
        f"""SELECT l.offer_id, o.buyer_id, SUM(l.qty) FROM commerce_orderline l
        JOIN commerce_order o ON o.id = l.order_id
        JOIN commerce_offer f ON f.id = l.offer_id
        LEFT JOIN commerce_tally t
        ON t.offer_id = l.offer_id AND t.buyer_id = o.buyer_id
        WHERE f.per_buyer IS NOT NULL AND t.id IS NULL
         AND l.parent_id IS NULL AND o.state NOT IN {GONE} AND NOT {SWAPPED}
        GROUP BY l.offer_id, o.buyer_id ORDER BY l.offer_id, o.buyer_id""",  # noqa: S608 - ours
    ),
    Rule(
        "I5",
        "order",
        "buyer {0}, key {1}",
        "{2} orders",
        """SELECT buyer_id, key, COUNT(*) FROM commerce_order GROUP BY buyer_id, key
        HAVING COUNT(*) > 1 ORDER BY buyer_id, key""",
    ),
    Rule(
        "I5",
        "order",
        "order {0}",
        "its digest has {1} bytes",
        """SELECT id, LENGTH(digest) FROM commerce_order WHERE LENGTH(digest) <> 16
        ORDER BY id""",
    ),
    Rule(
        "I5",
        "realtime_answered",
        "actor {0}, key {1}",
        "{2} answers",
        """SELECT actor, key, COUNT(*) FROM realtime_answered
        GROUP BY actor, key HAVING COUNT(*) > 1 ORDER BY actor, key""",
    ),
    Rule(
        "I6",
        "order",
        "order {0}",
        "has {1} lines worth {2} less {3}, and says {4} less {5}",
        """SELECT o.id, COUNT(l.id), COALESCE(SUM(l.qty * l.price), 0),
        COALESCE(SUM(l.discount), 0), o.goods, o.discount
        FROM commerce_order o LEFT JOIN commerce_orderline l ON l.order_id = o.id
        GROUP BY o.id, o.goods, o.discount
        HAVING COUNT(l.id) = 0 OR COALESCE(SUM(l.qty * l.price), 0) <> o.goods
         OR COALESCE(SUM(l.discount), 0) <> o.discount
        ORDER BY o.id""",
    ),
    Rule(
        "I6",
        "orderline",
        "line {0}",
        "{1} units at {2} less {3} are not {4}",
        """SELECT id, qty, price, discount, net FROM commerce_orderline
        WHERE net <> qty * price - discount ORDER BY id""",
    ),
    Rule(
        "I6",
        "orderline",
        "line {0}",
        "{1} units of stock {2}, but its hold moved {3} of {4}",
        """SELECT l.id, l.qty, l.stock_id, m.delta, m.stock_id FROM commerce_orderline l
        LEFT JOIN commerce_move m ON m.line_id = l.id AND m.kind = 'hold'
        WHERE l.stock_id IS NOT NULL
         AND (m.id IS NULL OR m.delta <> -l.qty OR m.stock_id <> l.stock_id)
        ORDER BY l.id""",
    ),
    Rule(
        "I6",
        "orderline",
        "line {0}",
        "of a bundle: {1} parts, stock {2}",
        """SELECT * FROM (SELECT l.id, (SELECT COUNT(*) FROM commerce_orderline c
         WHERE c.parent_id = l.id) AS parts, l.stock_id FROM commerce_orderline l)
        found WHERE (parts = 0) <> (stock_id IS NOT NULL) ORDER BY id""",
    ),
    Rule(
        "I6",
        "orderline",
        "line {0}",
        "is a part of line {1} and costs {2}",
        """SELECT l.id, l.parent_id, l.price FROM commerce_orderline l
        JOIN commerce_orderline p ON p.id = l.parent_id
        WHERE l.price <> 0 OR p.order_id <> l.order_id ORDER BY l.id""",
    ),
    Rule(
        "I6",
        "move",
        "move {0}",
        "a {1} of no line",
        """SELECT id, kind FROM commerce_move WHERE line_id IS NULL
        AND kind IN ('hold', 'release', 'rehold', 'sell', 'restock') ORDER BY id""",
    ),
]

TOLD = [
    Rule(
        "I9",
        "order",
        "order {0}",
        "version {1}, but {2} changes, the last of them number {3}",
        """SELECT o.id, o.version, COUNT(c.id), COALESCE(MAX(c.version), 0)
        FROM commerce_order o LEFT JOIN commerce_orderchange c ON c.order_id = o.id
        GROUP BY o.id, o.version
        HAVING COUNT(c.id) <> o.version OR COALESCE(MAX(c.version), 0) <> o.version
        ORDER BY o.id""",
    ),
    Rule(
        "I9",
        "order",
        "order {0}",
        "is {1}, its last change says {2}",
        """SELECT o.id, o.state, COALESCE(c.state, 'held') FROM commerce_order o
        LEFT JOIN commerce_orderchange c
        ON c.order_id = o.id AND c.version = o.version
        WHERE o.state <> COALESCE(c.state, 'held') ORDER BY o.id""",
    ),
    Rule(
        "I12",
        "wait",
        "wait {0}",
        "is {1}, its order is {2}",
        f"""SELECT w.id, w.state, COALESCE(o.state, 'missing') FROM commerce_wait w
        LEFT JOIN commerce_order o ON o.id = w.order_id
        WHERE (w.state = 'offered' AND COALESCE(o.state, '') NOT IN ('held', 'paying'))
         OR (w.state = 'bought' AND COALESCE(o.state, '') NOT IN {SOLD})
        ORDER BY w.id""",  # noqa: S608 - ours
    ),
]

RULES = [*STOCK, *ORDERS, *TOLD]
