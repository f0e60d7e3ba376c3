"""What a teller reads and locks, in plain SQL.

The same through QuerySets is built anew for each batch, and was most of the CPU of a
small one (`bench/teller.py`). Neighbours: models/inserting.py writes the holds.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import JSONField, Model

from commerce.clock import now_sql
from commerce.models import Offer, Product, Shop, Sku, Stock
from streams.models import Stream

M = TypeVar("M", bound=Model)
Row = tuple[Any, ...]


class Known(NamedTuple):
    """What an order's first answer is made of, and whether it is a hold still."""

    id: UUID
    buyer_id: int
    key: str
    digest: bytes
    state: str
    currency: str
    hold_until: int


def known(names: Collection[tuple[int, str]]) -> list[Known]:
    """Orders by (buyer, key), and all live holds of these buyers, oldest first.

    A key of one buyer under another's name may be among them.
    """
    wanted = f"(key {_among('text')} OR state IN ('held', 'paying'))"
    if connection.vendor == "sqlite":
        theirs = f"commerce_order WHERE buyer_id {_among('bigint')} AND {wanted}"
    else:
        # Buyer by buyer. Left alone, a planner without fresh statistics tries each
        # buyer with each key, or reads all live holds there are: fifty times as long.
        theirs = f"""
            (SELECT json_array_elements_text(%s::json)::bigint AS buyer) who,
            LATERAL (SELECT * FROM commerce_order
                WHERE buyer_id = who.buyer AND COALESCE({wanted}, FALSE) OFFSET 0) own
            """  # noqa: S608 - our own fragments
    rows = _rows(
        f"""SELECT CAST(id AS text), buyer_id, key, digest, state, currency, hold_until
        FROM {theirs} ORDER BY placed_at""",  # noqa: S608 - our own fragments
        {buyer for buyer, _ in names},
        {key for _, key in names},
    )
    return [Known(UUID(id), *rest) for id, *rest in rows]


def holders(stock: int, since: int, most: int) -> list[tuple[int, int]]:
    """Who took units of a locked row by moves after `since`: (move, buyer)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT m.id, o.buyer_id FROM commerce_move m
            JOIN commerce_orderline l ON l.id = m.line_id
            JOIN commerce_order o ON o.id = l.order_id
            WHERE m.stock_id = %s AND m.id > %s AND m.kind = 'hold'
            ORDER BY m.id LIMIT %s""",
            [stock, since, most],
        )
        return list(cursor.fetchall())


def private_offers(stock: int) -> frozenset[int]:
    """Offers of a row in private shows: not there for whoever may not watch these."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT o.id FROM commerce_offer o JOIN streams_stream s
            ON s.id = o.stream_id WHERE o.stock_id = %s AND s.visibility = %s""",
            [stock, Stream.Visibility.PRIVATE.value],
        )
        return frozenset(offer for (offer,) in cursor.fetchall())


STOCK = ["id", "sku_id", "kind", "available", "version", "changed_at"]


def locked(ids: Iterable[int]) -> list[Stock]:
    """Stock rows, locked in id order.

    SQLite's IMMEDIATE transaction is the lock there; PostgreSQL's is FOR NO KEY
    UPDATE, which lets rows that refer to the stock be inserted meanwhile.
    """
    lock = "FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
    rows = _rows(
        f"""SELECT {", ".join(STOCK)} FROM commerce_stock
        WHERE id {_among("bigint")} ORDER BY id {lock}""",  # noqa: S608 - our own fragments
        set(ids),
    )
    return [_made(Stock, STOCK, iter(row)) for row in rows]


def save(stock: Stock) -> None:
    """Write what is left in a locked row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE commerce_stock SET available = %s, version = %s, changed_at = %s"
            " WHERE id = %s",
            [stock.available, stock.version, stock.changed_at, stock.pk],
        )


OFFER = ["id", "sku_id", "stock_id", "stream_id", "item_id", "kind", "state"]
OFFER += ["per_buyer", "hold_s", "price_visible_at", "starts_at", "ends_at", "prices"]
SKU = ["id", "product_id", "show_stock", "prices", "options"]
PRODUCT = ["id", "shop_id", "title", "state", "media"]
SHOP = ["id", "state"]
STREAM = ["id", "host_id", "visibility"]


def offers_of(ids: Iterable[int]) -> tuple[dict[int, Offer], int]:
    """Offers with their goods and shows, and the time as they were read; 0 for none.

    They have what selling needs; a column that is not read here is loaded when asked
    for.
    """
    columns = [
        *(f"offer.{name}" for name in OFFER),
        *(f"sku.{name}" for name in SKU),
        *(f"product.{name}" for name in PRODUCT),
        *(f"shop.{name}" for name in SHOP),
        *(f"stream.{name}" for name in STREAM),
    ]
    rows = _rows(
        f"""SELECT {", ".join(columns)}, {now_sql()} FROM commerce_offer offer
        JOIN commerce_sku sku ON sku.id = offer.sku_id
        JOIN commerce_product product ON product.id = sku.product_id
        JOIN commerce_shop shop ON shop.id = product.shop_id
        JOIN streams_stream stream ON stream.id = offer.stream_id
        WHERE offer.id {_among("bigint")}""",  # noqa: S608 - our own fragments
        set(ids),
    )
    return {row[0]: _offer(iter(row)) for row in rows}, rows[0][-1] if rows else 0


def _offer(values: Iterator[Any]) -> Offer:
    offer = _made(Offer, OFFER, values)
    offer.sku = _made(Sku, SKU, values)
    offer.sku.product = _made(Product, PRODUCT, values)
    offer.sku.product.shop = _made(Shop, SHOP, values)
    offer.stream = _made(Stream, STREAM, values)
    return offer


def _made(model: type[M], names: list[str], values: Iterator[Any]) -> M:
    """An instance of these columns, taken from the front of `values`."""
    given = dict(zip(names, values, strict=False))
    fields = [field for field in model._meta.concrete_fields if field.attname in given]
    for field in fields:
        if isinstance(field, JSONField) and given[field.attname] is not None:
            given[field.attname] = msgspec.json.decode(given[field.attname])
    # In the order of the fields: `from_db` goes by it.
    read = [field.attname for field in fields]
    return model.from_db(connection.alias, read, [given[name] for name in read])


def _among(kind: str) -> str:
    """`IN` a list of any length, which is one parameter: the statement stays short."""
    if connection.vendor == "sqlite":
        return "IN (SELECT value FROM json_each(%s))"
    return f"= ANY (ARRAY (SELECT json_array_elements_text(%s::json)::{kind}))"


def _rows(statement: str, *lists: Collection[int] | Collection[str]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement, [msgspec.json.encode(each).decode() for each in lists]
        )
        return list(cursor.fetchall())
