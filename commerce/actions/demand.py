"""What offers take, from which rows, and the lines that come of it.

For whoever takes units of several rows: checkout.py for bags, queue.py for who waits.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from commerce.actions.holding import Goods, Piece
from commerce.actions.parts import PartRow, parts_of
from commerce.bag_grant import Needs
from commerce.grant import Ask, Won
from commerce.models import Offer, Sku

GoodsOf = Mapping[int, Sequence[tuple[Goods, int]]]
"""By offer: what one of it is, then what each of its parts is, with their units."""


class Demand(Struct, frozen=True):
    """Which rows offers take from: `needs` by offer, `parts` by bundle. Never changes,
    so it is read before the rows in `locks` are locked: those, and the offers' own.
    """

    needs: Needs
    parts: Mapping[int, Sequence[PartRow]]
    locks: frozenset[int]


def demand_of(offers: Iterable[int]) -> Demand:
    found = Offer.objects.filter(id__in=set(offers))
    rows = list(found.values_list("id", "stock_id", "sku_id"))
    parts = parts_of(sku for _, _, sku in rows)
    needs = {
        offer: {part.stock: part.qty for part in parts[sku]}
        if sku in parts
        else {stock: 1}
        for offer, stock, sku in rows
    }
    taken_from = {row for need in needs.values() for row in need}
    return Demand(needs, parts, frozenset({*taken_from, *(row for _, row, _ in rows)}))


def goods_of(offers: Iterable[Offer], demand: Demand) -> GoodsOf:
    """What one of each offer is: its goods, then those of its parts, with their units.

    One query more if there are bundles.
    """
    skus = {part.sku for parts in demand.parts.values() for part in parts}
    parts = Sku.objects.select_related("product").in_bulk(skus) if skus else {}
    return {
        offer.pk: [
            (_goods(offer.sku, None), 1),
            *(
                (_goods(parts[part.sku], part.stock), part.qty)
                for part in demand.parts[offer.sku_id]
            ),
        ]
        if offer.sku_id in demand.parts
        else [(_goods(offer.sku, offer.stock_id), 1)]
        for offer in offers
    }


def _goods(sku: Sku, stock: int | None) -> Goods:
    product = sku.product
    return Goods(sku.pk, stock, product.title, product.image, sku.options)


def pieces_of(
    asks: Iterable[Ask], prices: Iterable[Won], goods: GoodsOf
) -> list[Piece]:
    """The lines of an order: of a bundle one with the price, and one for each part."""
    pieces: list[Piece] = []
    for ask, won in zip(asks, prices, strict=True):
        (whole, _), *parts = goods[ask.offer]
        parent = len(pieces)
        pieces.append(Piece(ask.offer, whole, ask.qty, won.price))
        pieces += [
            Piece(ask.offer, part, qty * ask.qty, 0, parent) for part, qty in parts
        ]
    return pieces
