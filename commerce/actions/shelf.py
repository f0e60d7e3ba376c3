"""The shelf of a show. Each action opens by raising its version: the shelf's mutex.

It writes one ShelfEvent with the moment of the picture, and tells the room on commit.
"""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F

from commerce.actions.catalog import (
    MANAGERS,
    STAFF,
    must_serve,
    must_serve_unseen,
    serves,
)
from commerce.actions.standing import explaining, item_views, watched
from commerce.actions.stock import lock
from commerce.clock import now_ms
from commerce.commands.ids import Prices
from commerce.commands.shelf import (
    AddItem,
    Explaining,
    ExplainItem,
    ItemAddedReply,
    OfferDraft,
    OfferPriced,
    PriceOffer,
    RemoveItem,
    ShelfVersion,
)
from commerce.errors import CURRENCY_MISSING, NOT_PICKED, SHELF_FULL, WRONG_STATE
from commerce.events import ItemAdded, ItemExplained, ItemRemoved, OfferChanged
from commerce.models import Offer, Product, Shelf, ShelfEvent, ShelfItem, Sku, Stock
from commerce.money import missing
from realtime import publish_on_commit
from realtime.exceptions import BAD_REQUEST, CONFLICT, NOT_FOUND, PERMISSION_DENIED
from streams.clock import media_ms
from streams.models import Stream
from streams.roles import can_direct, can_watch

ITEMS = 500
EXPLAINED = 3


class _Open:
    """A shelf whose version was just raised: nobody else changes it until commit."""

    def __init__(self, user: int | None, stream: Stream) -> None:
        Shelf.objects.get_or_create(stream=stream)
        Shelf.objects.filter(stream=stream).update(version=F("version") + 1)
        self.row = Shelf.objects.get(stream=stream)
        self.user = user
        self.stream = stream
        self.now = now_ms()
        self._told = False

    def next_version(self) -> int:
        """Of the next event: each has its own, as consumers drop what is not newer."""
        if self._told:
            Shelf.objects.filter(stream=self.stream).update(version=F("version") + 1)
            self.row.version += 1
        self._told = True
        return self.row.version

    @property
    def media_ms(self) -> int:
        return media_ms(self.stream, self.now)

    def log(self, kind: ShelfEvent.Kind, number: int, **data: object) -> None:
        ShelfEvent.objects.create(
            stream=self.stream,
            at=self.now,
            offset_ms=self.media_ms,
            kind=kind,
            number=number,
            by_id=self.user,
            data=data,
        )

    def item(self, number: int) -> ShelfItem:
        """An item that is on it. Raises `NOT_FOUND`."""
        items = ShelfItem.objects.filter(stream=self.stream, number=number)
        found = items.filter(removed_at=None).first()
        if found is None:
            raise NOT_FOUND()
        return found

    def explain(self, item: ShelfItem, on: bool) -> list[int]:
        """Begin or end explaining; the numbers explained after it, oldest first."""
        item.explaining_since = self.now if on else None
        item.save(update_fields=["explaining_since"])
        numbers = explaining(self.stream.pk)
        kind = ShelfEvent.Kind.EXPLAINED if on else ShelfEvent.Kind.UNEXPLAINED
        self.log(kind, item.number)
        publish_on_commit(
            f"deals:{self.stream.pk}",
            ItemExplained(
                number=item.number,
                on=on,
                at=self.now,
                media_ms=self.media_ms,
                explaining=numbers,
                version=self.next_version(),
            ),
        )
        return numbers


def _directed(user: int, stream_id: int) -> Stream:
    stream = watched(user, stream_id)
    if not can_direct(user, stream):
        raise PERMISSION_DENIED()
    return stream


def add_item(user: int, command: AddItem) -> ItemAddedReply:
    """Put a listed product on the shelf.

    Raises `NOT_PICKED` when neither the host nor the caller serves its shop,
    `CONFLICT` when one of its variants is on this shelf already.
    """
    stream = _directed(user, command.stream)
    product = Product.objects.select_related("shop").filter(id=command.product).first()
    if product is None:
        raise NOT_FOUND()
    if not any(serves(product.shop_id, one, STAFF) for one in (user, stream.host_id)):
        listed = product.state == Product.State.LISTED
        raise NOT_PICKED(product=product.pk) if listed else NOT_FOUND()
    if product.state != Product.State.LISTED:
        raise WRONG_STATE(state=product.state)
    shelf = _Open(user, stream)
    skus = _skus(product, command.offers)
    standing = ShelfItem.objects.filter(stream=stream, removed_at=None)
    if standing.count() >= ITEMS:
        raise SHELF_FULL(max=ITEMS)
    item = ShelfItem.objects.create(
        stream=stream,
        number=shelf.row.next_number,
        product=product,
        position=shelf.row.next_number,
    )
    Shelf.objects.filter(stream=stream).update(next_number=F("next_number") + 1)
    offers = [_offer(item, skus[draft.sku], draft) for draft in command.offers]
    shelf.log(ShelfEvent.Kind.ADDED, item.number, product=product.pk)
    publish_on_commit(
        f"deals:{stream.pk}",
        ItemAdded(item=item_views([item])[0], version=shelf.next_version()),
    )
    return ItemAddedReply(number=item.number, offers=[offer.pk for offer in offers])


def _skus(product: Product, drafts: Sequence[OfferDraft]) -> dict[int, Sku]:
    skus = {sku.pk: sku for sku in product.skus.all()}
    if len({draft.sku for draft in drafts}) < len(drafts):
        raise BAD_REQUEST(path="$.offers", why="a variant twice")
    for index, draft in enumerate(drafts):
        if draft.sku not in skus:
            raise BAD_REQUEST(path=f"$.offers[{index}].sku", why="not of this product")
        _check_prices(product, draft.prices)
    return skus


def _check_prices(product: Product, prices: Prices | None) -> None:
    if prices is not None and (lacking := missing(prices, product.shop.currencies)):
        raise CURRENCY_MISSING(currency=lacking)


def _offer(item: ShelfItem, sku: Sku, draft: OfferDraft) -> Offer:
    taken = Offer.objects.filter(
        stream_id=item.stream_id, sku=sku, state=Offer.State.OPEN
    )
    if taken.exists():
        raise CONFLICT(sku=sku.pk)
    return Offer.objects.create(
        stream_id=item.stream_id,
        item=item,
        sku=sku,
        stock=Stock.objects.get(sku=sku, kind=Stock.Kind.MAIN),
        prices=draft.prices,
        per_buyer=draft.per_buyer,
        hold_s=draft.hold_s,
    )


def remove_item(user: int, command: RemoveItem) -> ShelfVersion:
    """Take an item off the shelf: its offers close, its number stays its own."""
    shelf = _Open(user, _directed(user, command.stream))
    item = shelf.item(command.number)
    if item.explaining_since is not None:
        shelf.explain(item, on=False)
    item.removed_at = shelf.now
    item.save(update_fields=["removed_at"])
    lock(item.offers.values_list("stock_id", flat=True))
    item.offers.update(state=Offer.State.CLOSED, version=F("version") + 1)
    shelf.log(ShelfEvent.Kind.REMOVED, item.number)
    publish_on_commit(
        f"deals:{command.stream}",
        ItemRemoved(number=item.number, version=shelf.next_version()),
    )
    return ShelfVersion(version=shelf.row.version)


def explain_item(user: int, command: ExplainItem) -> Explaining:
    """Begin or end explaining an item; a fourth one ends the oldest."""
    shelf = _Open(user, _directed(user, command.stream))
    item = shelf.item(command.number)
    if (item.explaining_since is not None) == command.on:
        return Explaining(explaining=explaining(command.stream))
    if command.on:
        numbers = explaining(command.stream)
        for number in numbers[: max(0, len(numbers) - EXPLAINED + 1)]:
            shelf.explain(shelf.item(number), on=False)
    return Explaining(explaining=shelf.explain(item, on=command.on))


def end_explaining(stream: Stream) -> None:
    """The show is over: nothing is explained any more. Repeatable."""
    with transaction.atomic():
        numbers = explaining(stream.pk)
        if not numbers:
            return
        shelf = _Open(None, stream)
        for number in numbers:
            shelf.explain(shelf.item(number), on=False)


def price_offer(user: int, command: PriceOffer) -> OfferPriced:
    """Change a show's price. Raises `WRONG_STATE` when the offer is closed."""
    offer = Offer.objects.filter(id=command.offer).select_related("stream").first()
    if offer is None:
        raise NOT_FOUND()
    product = Product.objects.select_related("shop").get(skus=offer.sku_id)
    seen = can_watch(user, offer.stream)
    (must_serve if seen else must_serve_unseen)(product.shop_id, user, MANAGERS)
    _check_prices(product, command.prices)
    shelf = _Open(user, offer.stream)
    lock([offer.stock_id])
    offer = Offer.objects.select_related("item", "sku").get(id=offer.pk)
    if offer.state != Offer.State.OPEN:
        raise WRONG_STATE(state=offer.state)
    offer.prices = command.prices
    offer.version += 1
    offer.save(update_fields=["prices", "version"])
    shelf.log(ShelfEvent.Kind.PRICED, offer.item.number, prices=offer.price_map)
    publish_on_commit(
        f"deals:{offer.stream_id}",
        OfferChanged(
            number=offer.item.number,
            offer=offer.pk,
            sku=offer.sku_id,
            prices=offer.price_map,
            list=offer.sku.prices,
            per_buyer=offer.per_buyer,
            version=offer.version,
        ),
    )
    return OfferPriced(offer=offer.pk, version=offer.version)
