"""What stands on the shelf of a show, as its rows have it. shelf.py changes it."""

from collections import defaultdict
from collections.abc import Iterable

from commerce.actions.parts import Level, levels
from commerce.clock import now_ms
from commerce.commands.shelf import ItemView, OfferView
from commerce.grant import shown
from commerce.models import Offer, Product, Shelf, ShelfItem
from realtime.exceptions import NOT_FOUND
from streams.models import Stream
from streams.roles import can_watch


def watched(viewer: int | None, stream_id: int) -> Stream:
    """A show they may watch. Raises `NOT_FOUND`."""
    stream = Stream.objects.filter(id=stream_id).first()
    if stream is None or not can_watch(viewer, stream):
        raise NOT_FOUND()
    return stream


def explaining(stream: int) -> list[int]:
    """The numbers being explained, the one begun first before the others."""
    found = ShelfItem.objects.filter(
        stream_id=stream, removed_at=None, explaining_since__isnull=False
    )
    return list(
        found.order_by("explaining_since", "number").values_list("number", flat=True)
    )


class Standing:
    """A shelf as its rows have it."""

    def __init__(self, stream: int, viewer: int | None) -> None:
        watched(viewer, stream)
        items = ShelfItem.objects.filter(stream_id=stream, removed_at=None)
        shelf = Shelf.objects.filter(stream_id=stream).first()
        self.version = shelf.version if shelf else 0
        self.items = item_views(items.order_by("position", "number"))
        self.explaining = explaining(stream)
        self.now = now_ms()


def item_views(items: Iterable[ShelfItem]) -> list[ItemView]:
    """Items as the room sees them, with their open offers."""
    rows = list(items)
    products = Product.objects.in_bulk({item.product_id for item in rows})
    offers: dict[int, list[Offer]] = defaultdict(list)
    found = Offer.objects.filter(item__in=rows, state=Offer.State.OPEN)
    standing = list(found.select_related("sku", "stock").order_by("id"))
    level = levels(offer.stock for offer in standing)
    for offer in standing:
        offers[offer.item_id].append(offer)
    return [
        ItemView(
            number=item.number,
            product=item.product_id,
            shop=products[item.product_id].shop_id,
            title=products[item.product_id].title,
            image=products[item.product_id].image,
            offers=[
                _offer_view(offer, level[offer.stock_id]) for offer in offers[item.pk]
            ],
        )
        for item in rows
    ]


def _offer_view(offer: Offer, level: Level) -> OfferView:
    return OfferView(
        offer=offer.pk,
        sku=offer.sku_id,
        code=offer.sku.code,
        options=offer.sku.options,
        prices=offer.price_map,
        list=offer.sku.prices,
        per_buyer=offer.per_buyer,
        left=shown(level.available, offer.sku.show_stock),
        in_stock=level.available > 0,
        version=offer.version,
        stock_version=level.version,
    )
