"""More goods for a show's shelf: variants with units, and bundles of them."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from msgspec import Struct

from commerce.actions import catalog, counting, shelf
from commerce.commands.catalog import PartDraft, SaveProduct, SkuDraft
from commerce.commands.shelf import AddItem, OfferDraft
from commerce.commands.stock import AdjustStock, ReceiveStock
from commerce.models import Offer, Product, Stock
from tests.commerce.conftest import Show, key


class Ware(Struct, frozen=True):
    """A variant on the show's shelf."""

    product: int
    sku: int
    number: int
    offer: int
    stock: int
    price: int

    @property
    def left(self) -> int:
        return Stock.objects.get(id=self.stock).available


def put_out(
    show: Show,
    *,
    left: int = 10,
    price: int = 1000,
    parts: Mapping[int, int] | None = None,
    **terms: Any,
) -> Ware:
    """Another product, listed and on the shelf; of `parts` (sku: qty), a bundle."""
    made = [PartDraft(sku=sku, qty=qty) for sku, qty in (parts or {}).items()]
    draft = SkuDraft(code="one", prices={"CNY": price}, parts=made or None)
    with transaction.atomic():
        saved = catalog.save_product(
            show.host.pk,
            SaveProduct(key=key(), shop=show.shop, title="Bowl", skus=[draft]),
        )
        Product.objects.filter(id=saved.product).update(state="listed")
        sku = saved.skus[0]
        if left and not made:
            counting.receive_stock(
                show.host.pk, ReceiveStock(key=key(), sku=sku, qty=left)
            )
        added = shelf.add_item(
            show.host.pk,
            AddItem(
                key=key(),
                stream=show.stream.pk,
                product=saved.product,
                offers=[OfferDraft(sku=sku, **terms)],
            ),
        )
    offer = Offer.objects.get(id=added.offers[0])
    return Ware(saved.product, sku, added.number, offer.pk, offer.stock_id, price)


def count(show: Show, sku: int, delta: int) -> None:
    """Correct a variant's count."""
    command = AdjustStock(key=key(), sku=sku, delta=delta, reason="counted")
    with transaction.atomic():
        counting.adjust_stock(show.host.pk, command)
