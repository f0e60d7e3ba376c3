"""What bundles are made of, and how many of one there are: never counted twice.

A bundle has a stock row like any SKU, for its lock alone: it never moves. How many
there are is worked out from its parts. See docs/decisions/0008.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from commerce.models import BundlePart, Stock

MOST = 99
"""Of one part in a bundle. So a row with more keeps no bundle from being sold."""


class PartRow(Struct, frozen=True):
    """`qty` units of a stock row go into each bundle; what the row had when read."""

    sku: int
    stock: int
    qty: int
    available: int
    version: int


class Level(Struct, frozen=True):
    """How many there are, and the version of that number."""

    available: int
    version: int


def parts_of(skus: Iterable[int]) -> dict[int, list[PartRow]]:
    """The parts of those that are bundles, read now. One query."""
    rows = BundlePart.objects.filter(
        bundle__in=set(skus), sku__stocks__kind=Stock.Kind.MAIN
    ).order_by("id")
    found: dict[int, list[PartRow]] = defaultdict(list)
    for bundle, *row in rows.values_list(
        "bundle_id",
        "sku_id",
        "sku__stocks__id",
        "qty",
        "sku__stocks__available",
        "sku__stocks__version",
    ):
        found[bundle].append(PartRow(*row))
    return dict(found)


def whole(parts: Sequence[PartRow], available: Mapping[int, int] | None = None) -> int:
    """How many bundles can be made of what the rows have, or of `available`."""
    have = available or {}
    return min(have.get(part.stock, part.available) // part.qty for part in parts)


def levels(rows: Iterable[Stock]) -> dict[int, Level]:
    """What the offers of these rows have to sell, by row. One query more."""
    stocks = list(rows)
    bundles = parts_of(stock.sku_id for stock in stocks)
    return {
        stock.pk: (
            Level(whole(parts), sum(part.version for part in parts))
            if (parts := bundles.get(stock.sku_id))
            else Level(stock.available, stock.version)
        )
        for stock in stocks
    }
