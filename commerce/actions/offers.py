"""Offers and their buyers, as a transaction reads them before it decides.

Whoever decides holds the locks of the offers' stock rows: so what is read here stands
until the commit. Neighbours: deciding.py for one row, checkout.py for several.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

from django.db.models import QuerySet

from commerce.actions.plain import Known
from commerce.clock import DatabaseNow
from commerce.grant import Terms
from commerce.models import Offer, Product, Shop, Tally
from commerce.states import LIVE
from streams.models import Stream
from streams.roles import parts_in


def read(ids: Iterable[int]) -> tuple[dict[int, Offer], int]:
    """Offers with their goods and shows, and the time as they were read; 0 for none."""
    wanted: QuerySet[Offer] = QuerySet(Offer).filter(id__in=set(ids))
    rows = wanted.select_related("sku__product__shop", "stream", "stock").annotate(
        now=DatabaseNow()
    )
    offers: dict[int, Offer] = {}
    now = 0
    for row in rows:
        offers[row.pk], now = row, row.now
    return offers, now


def audiences(offers: Iterable[Offer]) -> dict[int, set[int]]:
    """Who may see the offers of private shows: for others these are not there.

    One query a private show, none for others, which are left out.
    """
    return {
        offer.pk: {offer.stream.host_id, *parts_in(offer.stream)}
        for offer in offers
        if offer.stream.visibility == Stream.Visibility.PRIVATE
    }


def terms(offer: Offer) -> Terms:
    product = offer.sku.product
    return Terms(
        open=(offer.state, product.state, product.shop.state)
        == (Offer.State.OPEN, Product.State.LISTED, Shop.State.OPEN),
        prices=offer.price_map,
        per_buyer=offer.per_buyer,
        show_stock=offer.sku.show_stock,
        starts_at=max(
            (at for at in (offer.starts_at, offer.price_visible_at) if at is not None),
            default=None,
        ),
        ends_at=offer.ends_at,
    )


def tallies(
    offers: Iterable[Offer], buyers: Collection[int]
) -> dict[tuple[int, int], int]:
    """What these buyers have of the offers that have a limit."""
    limited = [offer.pk for offer in offers if offer.per_buyer is not None]
    if not limited:
        return {}
    rows = Tally.objects.filter(offer_id__in=limited, buyer_id__in=buyers)
    return {(row.offer_id, row.buyer_id): row.qty for row in rows}


def live_holds(orders: Iterable[Known]) -> dict[int, list[str]]:
    """The live holds of each buyer among these orders, in the order given."""
    holds: dict[int, list[str]] = defaultdict(list)
    for order in orders:
        if order.state in LIVE:
            holds[order.buyer_id].append(str(order.id))
    return holds
