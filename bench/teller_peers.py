"""What the teller is compared with: a transaction a buyer, the row's lock in each.

Neighbour: teller.py.
"""

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

AT_ONCE = 16
ALONE_SECONDS = 3.0


def one_each(buy: Callable[[Any, int], None], show: Any, people: list[int]) -> float:
    """A transaction a buyer, 16 at once: what the teller saves; buys a second."""
    from django.db import OperationalError, connection

    end = time.perf_counter() + ALONE_SECONDS

    def worker(mine: list[int]) -> int:
        done = 0
        try:
            for buyer in mine:
                if time.perf_counter() > end:
                    break
                try:
                    buy(show, buyer)
                    done += 1
                except OperationalError:  # SQLite: locked for more than 5 s
                    continue
        finally:
            connection.close()
        return done

    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        done = sum(threads.map(worker, [people[n::AT_ONCE] for n in range(AT_ONCE)]))
    return done / (time.perf_counter() - began)


def buy_alone(show: Any, buyer: int) -> None:
    from django.db import transaction
    from django.db.models import F

    from commerce.models import Move, Order, OrderLine, Stock

    now = time.time_ns() // 1_000_000
    with transaction.atomic():
        stock = Stock.objects.filter(id=show.stock, available__gte=1)
        if not stock.update(
            available=F("available") - 1, version=F("version") + 1, changed_at=now
        ):
            return
        order = Order.objects.create(
            shop_id=show.shop,
            buyer_id=buyer,
            key=uuid.uuid4().hex,
            digest=b"0" * 16,
            currency="CNY",
            goods=9900,
            placed_at=now,
            hold_until=now + 300_000,
            expires_at=now + 300_000,
            via_kind="stream",
            via_id=show.stream.pk,
            stream=show.stream,
        )
        line = OrderLine.objects.create(
            order=order,
            offer_id=show.offer,
            sku_id=show.sku,
            stock_id=show.stock,
            qty=1,
            title="Cup",
            price=9900,
            net=9900,
        )
        Move.objects.create(
            stock_id=show.stock,
            kind="hold",
            delta=-1,
            ref=str(line.pk),
            line=line,
            at=now,
        )


def buy_alone_in_sql(show: Any, buyer: int) -> None:
    """The same by statements that nothing builds: the lock and the disk remain."""
    from django.db import connection, transaction

    from commerce.models import Move, OrderLine
    from commerce.models.inserting import reserve

    now = time.time_ns() // 1_000_000
    order, until = uuid.uuid4().hex, now + 300_000
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE commerce_stock SET available = available - 1,"
            " version = version + 1, changed_at = %s WHERE id = %s AND available >= 1",
            [now, show.stock],
        )
        if cursor.rowcount != 1:
            return
        (line,) = reserve(OrderLine, 1)
        add = "INSERT INTO commerce_order (id, shop_id, buyer_id, key, digest, state,"
        add += " version, currency, goods, placed_at, hold_until, expires_at, grace,"
        add += " via_kind, via_id, stream_id) VALUES (%s, %s, %s, %s, %s, 'held', 0,"
        add += " 'CNY', 9900, %s, %s, %s, false, 'stream', %s, %s)"
        who = [order, show.shop, buyer, uuid.uuid4().hex, b"0" * 16]
        show_id = show.stream.pk
        cursor.execute(add, [*who, now, until, until, show_id, show_id])
        cursor.execute(
            "INSERT INTO commerce_orderline (id, order_id, offer_id, sku_id, stock_id,"
            " qty, title, image, options, price, net)"
            " VALUES (%s, %s, %s, %s, %s, 1, 'Cup', '', '{}', 9900, 9900)",
            [line, order, show.offer, show.sku, show.stock],
        )
        cursor.execute(
            "INSERT INTO commerce_move (stock_id, kind, delta, ref, line_id, note, at)"
            " VALUES (%s, %s, -1, %s, %s, '', %s)",
            [show.stock, Move.Kind.HOLD.value, str(line), line, now],
        )
