"""The invariants of money, as SQL that finds who breaks them. Neighbour: rules.py."""

from commerce.rules import SOLD, Rule

RULES = [
    Rule(
        "I7",
        "order",
        "order {0}",
        "is {1} with {2} payments that fit it",
        f"""SELECT * FROM (SELECT o.id, o.state,
        (SELECT COUNT(*) FROM commerce_payment p WHERE p.order_id = o.id
         AND p.use = 'order' AND p.state = 'settled' AND p.amount = o.amount
         AND p.currency = o.currency) AS fit FROM commerce_order o) found
        WHERE fit <> CASE WHEN state IN {SOLD} THEN 1 ELSE 0 END ORDER BY id""",  # noqa: S608 - ours
    ),
    Rule(
        "I7",
        "order",
        "order {0}",
        "{1} − {2} + {3} + {4} is not {5}",
        """SELECT id, goods, discount, shipping, tax, amount FROM commerce_order
        WHERE amount IS NOT NULL AND amount <> goods - discount + shipping + tax
        ORDER BY id""",
    ),
    Rule(
        "I7",
        "payment",
        "payment {0}",
        "is {1}, used for {2}: {3} of {4} given back, and not in quarantine",
        """SELECT * FROM (SELECT p.id, p.state, COALESCE(p.use, 'nothing') AS used,
         (SELECT COALESCE(SUM(r.amount), 0) FROM commerce_refund r
          WHERE r.payment_id = p.id AND r.state <> 'failed') AS back,
         p.amount, p.quarantined_at FROM commerce_payment p) found
        WHERE (state = 'settled' AND used <> 'order' AND quarantined_at IS NULL
         AND back <> amount) OR (state <> 'settled' AND used <> 'nothing')
        ORDER BY id""",
    ),
    Rule(
        "I8",
        "payment",
        "payment {0}",
        "is {1}: {2} refunded of {3}",
        """SELECT * FROM (SELECT p.id, p.state, (SELECT COALESCE(SUM(r.amount), 0)
         FROM commerce_refund r WHERE r.payment_id = p.id AND r.state <> 'failed')
         AS back, p.amount FROM commerce_payment p) found
        WHERE back > amount OR (back > 0 AND state <> 'settled') ORDER BY id""",
    ),
    Rule(
        "I8",
        "orderline",
        "line {0}",
        "says {1} of {2} was refunded, its refunds say {3}",
        """SELECT * FROM (SELECT l.id, l.refunded, l.net + l.tax AS paid,
         (SELECT COALESCE(SUM(x.amount), 0) FROM commerce_refundline x
          JOIN commerce_refund r ON r.id = x.refund_id
          WHERE x.line_id = l.id AND r.state <> 'failed') AS back
        FROM commerce_orderline l) found WHERE refunded <> back OR back > paid
        ORDER BY id""",
    ),
    Rule(
        "I8",
        "refund",
        "refund {0}",
        "of {1} has lines that make {2}",
        """SELECT r.id, r.amount, SUM(x.amount) FROM commerce_refund r
        JOIN commerce_refundline x ON x.refund_id = r.id GROUP BY r.id, r.amount
        HAVING SUM(x.amount) > r.amount ORDER BY r.id""",
    ),
]
