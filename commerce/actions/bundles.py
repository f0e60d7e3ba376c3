"""Bundles as their shop writes them, and as their buyers read them.

Neighbour: parts.py counts them.
"""

from collections.abc import Iterable

from commerce.commands.catalog import PartDraft, PartView, SkuDraft
from commerce.models import BundlePart, Shop, Sku
from realtime.exceptions import BAD_REQUEST


def check_parts(shop: Shop, index: int, draft: SkuDraft) -> None:
    """A bundle is of plain variants of its shop, and stays what it is.

    Orders and queues of buyers count on the parts, so they never change: another
    bundle is another variant. Raises `BAD_REQUEST`.
    """
    if draft.parts is None:
        return
    path = f"$.skus[{index}].parts"
    if draft.sku is not None:
        if _written(draft.sku) != {part.sku: part.qty for part in draft.parts}:
            raise BAD_REQUEST(path=path, why="never change: make another variant")
        return
    skus = {part.sku for part in draft.parts}
    if len(skus) < len(draft.parts):
        raise BAD_REQUEST(path=path, why="a variant twice")
    if Sku.objects.filter(id__in=skus, product__shop=shop).count() < len(skus):
        raise BAD_REQUEST(path=path, why="not of this shop")
    if BundlePart.objects.filter(bundle__in=skus).exists():
        raise BAD_REQUEST(path=path, why="a bundle in a bundle")


def _written(bundle: int) -> dict[int, int]:
    parts = BundlePart.objects.filter(bundle_id=bundle)
    return dict(parts.values_list("sku_id", "qty"))


def write_parts(bundle: Sku, parts: Iterable[PartDraft]) -> None:
    BundlePart.objects.bulk_create(
        BundlePart(bundle=bundle, sku_id=part.sku, qty=part.qty) for part in parts
    )


def part_views(skus: Iterable[int]) -> dict[int, list[PartView]]:
    """What is in those that are bundles."""
    found: dict[int, list[PartView]] = {}
    rows = BundlePart.objects.filter(bundle__in=set(skus)).order_by("id")
    for part in rows.select_related("sku__product"):
        view = PartView(
            sku=part.sku_id,
            qty=part.qty,
            title=part.sku.product.title,
            options=part.sku.options,
        )
        found.setdefault(part.bundle_id, []).append(view)
    return found
