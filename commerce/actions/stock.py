"""Stock rows under their lock, and what shows are told of them.

Neighbours: units.py moves what orders hold, counting.py what its keepers count.
"""

from collections.abc import Iterable

from commerce.actions import plain
from commerce.actions.parts import MOST, levels, parts_of, whole
from commerce.clock import now_ms
from commerce.events import StockBack, StockOut, StockTick
from commerce.grant import shown
from commerce.models import Offer, Stock
from realtime import publish_on_commit


def lock(ids: Iterable[int]) -> dict[int, Stock]:
    """Lock stock rows in id order, whatever order the caller has them in."""
    return {stock.pk: stock for stock in plain.locked(ids)}


def change(stock: Stock, delta: int, now: int) -> None:
    """Move a locked row by `delta`, and tell the shows when it empties or refills."""
    was = stock.available
    stock.available += delta
    stock.version += 1
    stock.changed_at = now
    plain.save(stock)
    if min(was, stock.available) < MOST:
        _tell_edges(stock, was)


def _tell_edges(stock: Stock, was: int) -> None:
    """Of its own offers, and of bundles it is a part of.

    Other parts are read without their locks: of two that come back at once in two
    transactions, neither may tell. The next tick says it; see docs/gotchas.md.
    """
    offers = list(Offer.objects.showing().drawing_on([stock.pk]))
    own = [offer for offer in offers if offer.stock_id == stock.pk]
    for offer in own:
        _tell_edge(offer, was, stock.available, stock.version)
    if len(own) == len(offers):
        return
    bundles = parts_of(offer.sku_id for offer in offers)
    for offer in offers:
        if parts := bundles.get(offer.sku_id):
            before = whole(parts, {stock.pk: was})
            version = sum(part.version for part in parts)
            _tell_edge(offer, before, whole(parts), version)


def _tell_edge(offer: Offer, was: int, now: int, version: int) -> None:
    if (was > 0) == (now > 0):
        return
    edge = StockBack if now > 0 else StockOut
    publish_on_commit(
        f"deals:{offer.stream_id}",
        edge(number=offer.item.number, offer=offer.pk, version=version),
    )


def ticks(stocks: Iterable[int]) -> list[tuple[str, StockTick]]:
    """What `state:` channels should say of these rows, and of bundles of them, now."""
    offers = list(Offer.objects.showing().drawing_on(stocks))
    level = levels(offer.stock for offer in offers)
    return [
        (
            f"state:{offer.stream_id}",
            StockTick(
                offer=offer.pk,
                left=shown(level[offer.stock_id].available, offer.sku.show_stock),
                in_stock=level[offer.stock_id].available > 0,
                version=level[offer.stock_id].version,
            ),
        )
        for offer in offers
    ]


def rows_of(sku: int) -> list[int]:
    return list(Stock.objects.filter(sku_id=sku).values_list("id", flat=True))


def changed_lately() -> list[int]:
    """Rows on show, or part of a bundle on show, that changed in five seconds."""
    since = now_ms() - 5_000
    showing = Offer.objects.showing()
    rows = showing.filter(stock__changed_at__gte=since)
    own = rows.values_list("stock_id", flat=True).distinct()
    parts = Stock.objects.filter(
        changed_at__gte=since, sku__bundles__bundle__in=showing.values("sku")
    )
    return list({*own, *parts.values_list("id", flat=True)})
