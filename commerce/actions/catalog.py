"""Shops and products: make, change, read."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from django.db.models import F

from accounts.models import User
from commerce.actions.bundles import check_parts, part_views, write_parts
from commerce.actions.parts import Level, levels
from commerce.clock import now_ms
from commerce.commands.catalog import (
    CreateShop,
    PartView,
    ProductOffer,
    ProductPage,
    ProductSaved,
    ProductState,
    ProductView,
    SaveProduct,
    SetProductState,
    ShopCreated,
    SkuDraft,
    SkuView,
)
from commerce.commands.shops import Shipping
from commerce.errors import CURRENCY_MISSING, WRONG_STATE
from commerce.events import OfferChanged
from commerce.grant import shown
from commerce.models import Offer, Product, Shop, ShopMember, Sku, Stock
from commerce.money import missing
from commerce.providers import enabled
from realtime import publish_on_commit
from realtime.exceptions import BAD_REQUEST, CONFLICT, NOT_FOUND, PERMISSION_DENIED
from streams.models import Stream

MANAGERS = ("owner", "manager")
KEEPERS = ("owner", "manager", "clerk")
STAFF = ("owner", "manager", "clerk", "service")


def must_serve(shop: int, user: int | None, roles: Sequence[str]) -> None:
    """Raises `PERMISSION_DENIED` unless `user` has one of `roles` in the shop."""
    if not serves(shop, user, roles):
        raise PERMISSION_DENIED()


def must_serve_unseen(shop: int, user: int | None, roles: Sequence[str]) -> None:
    """`must_serve` for what only staff may know of: strangers get `NOT_FOUND`."""
    if not serves(shop, user, STAFF):
        raise NOT_FOUND()
    must_serve(shop, user, roles)


def serves(shop: int, user: int | None, roles: Sequence[str]) -> bool:
    if user is None:
        return False
    found = ShopMember.objects.filter(shop_id=shop, user_id=user, role__in=roles)
    return found.exists()


def create_shop(user: int, command: CreateShop) -> ShopCreated:
    """Open the user's one shop. Raises `CONFLICT` when they have one."""
    check_methods(command.methods)
    check_fees(command.shipping, command.currencies)
    # Two at once: the second waits here, and finds the first one's.
    User.objects.select_for_update(no_key=True).get(id=user)
    if Shop.objects.filter(account_id=user).exists():
        raise CONFLICT()
    shop = Shop.objects.create(
        account_id=user,
        name=command.name.strip(),
        country=command.country,
        currencies=list(dict.fromkeys(command.currencies)),
        methods=list(dict.fromkeys(command.methods)),
        shipping=msgspec.to_builtins(command.shipping),
    )
    ShopMember.objects.create(shop=shop, user_id=user, role=ShopMember.Role.OWNER)
    return ShopCreated(shop=shop.pk)


def check_methods(methods: Sequence[str]) -> None:
    """Raises `BAD_REQUEST` for a way to pay that nobody offers here."""
    unknown = [name for name in methods if name not in enabled()]
    if unknown:
        raise BAD_REQUEST(path="$.methods", why=f"no such provider: {unknown[0]}")


def check_fees(shipping: Shipping, currencies: Sequence[str]) -> None:
    """Raises `CURRENCY_MISSING` for a country that lacks the fee in one of them."""
    for country, row in shipping.items():
        if lacking := missing(row.fee, currencies):
            path = f"$.shipping.{country}.fee"
            raise CURRENCY_MISSING(currency=lacking, path=path)


def save_product(user: int, command: SaveProduct) -> ProductSaved:
    """Make a product or change it; variants it does not name stay as they are.

    Raises `CONFLICT` when `version` is not the product's any more,
    `CURRENCY_MISSING` when a variant has no price in one of the shop's currencies.
    """
    shop = Shop.objects.filter(id=command.shop).first()
    if shop is None:
        raise NOT_FOUND()
    must_serve(shop.pk, user, MANAGERS)
    _check_skus(shop, command.skus)
    product = _write_product(shop, command)
    _lock_stocks(product)
    known = {sku.pk: sku for sku in product.skus.all()}
    for index, draft in enumerate(command.skus):
        if draft.sku is not None and draft.sku not in known:
            raise BAD_REQUEST(path=f"$.skus[{index}].sku", why="not of this product")
        check_parts(shop, index, draft)
    return ProductSaved(
        product=product.pk,
        version=product.version,
        skus=[_write_sku(product, known, draft) for draft in command.skus],
    )


def _check_skus(shop: Shop, skus: Sequence[SkuDraft]) -> None:
    for index, draft in enumerate(skus):
        if lacking := missing(draft.prices, shop.currencies):
            raise CURRENCY_MISSING(currency=lacking, path=f"$.skus[{index}].prices")
    code, times = Counter(draft.code.strip() for draft in skus).most_common(1)[0]
    if times > 1:
        raise BAD_REQUEST(path="$.skus", why=f"two variants with the code {code}")


def _write_product(shop: Shop, command: SaveProduct) -> Product:
    fields: dict[str, Any] = {
        "title": command.title.strip(),
        "text": command.text,
        "media": command.media,
        "category": command.category,
        "ships_to": list(dict.fromkeys(command.ships_to)),
        "cross_border": command.cross_border,
    }
    if command.product is None:
        return Product.objects.create(shop=shop, **fields)
    if command.version is None:
        raise BAD_REQUEST(path="$.version", why="a change names the version it saw")
    mine = Product.objects.filter(id=command.product, shop=shop)
    fields["version"] = F("version") + 1
    if mine.filter(version=command.version).update(**fields) != 1:
        current = mine.values_list("version", flat=True).first()
        raise NOT_FOUND() if current is None else CONFLICT(version=current)
    return mine.get()


def _lock_stocks(product: Product) -> None:
    """A list price counts in every offer without its own; tellers decide beside us."""
    rows = Stock.objects.filter(sku__product=product).order_by("id")
    list(rows.select_for_update(no_key=True, of=("self",)).values_list("id"))


def _tell_prices(sku: Sku) -> None:
    """The list price changed: say so where the variant is on a shelf."""
    offers = Offer.objects.filter(sku=sku, state=Offer.State.OPEN)
    standing = offers.exclude(stream__state=Stream.State.ENDED)
    for offer in standing.select_related("item", "sku").order_by("id"):
        offer.version += 1
        offer.save(update_fields=["version"])
        publish_on_commit(
            f"deals:{offer.stream_id}",
            OfferChanged(
                number=offer.item.number,
                offer=offer.pk,
                sku=sku.pk,
                prices=offer.price_map,
                list=sku.prices,
                per_buyer=offer.per_buyer,
                version=offer.version,
            ),
        )


def _write_sku(product: Product, known: dict[int, Sku], draft: SkuDraft) -> int:
    sku = Sku(product=product) if draft.sku is None else known[draft.sku]
    repriced = draft.sku is not None and sku.prices != draft.prices
    sku.code = draft.code.strip()
    sku.options = draft.options
    sku.prices = draft.prices
    sku.show_stock = draft.show_stock
    taken = product.skus.filter(code=sku.code).exclude(id=sku.pk)
    if taken.exists():
        raise BAD_REQUEST(path="$.skus", why=f"the code {sku.code} is taken")
    sku.save()
    if draft.sku is None:
        Stock.objects.create(sku=sku, changed_at=now_ms())
        write_parts(sku, draft.parts or [])
    if repriced:
        _tell_prices(sku)
    return sku.pk


def set_product_state(user: int, command: SetProductState) -> ProductState:
    """List a product, or take it out of sale. A listed one is never a draft again."""
    product = Product.objects.filter(id=command.product).first()
    if product is None:
        raise NOT_FOUND()
    listed = product.state == Product.State.LISTED
    (must_serve if listed else must_serve_unseen)(product.shop_id, user, MANAGERS)
    if command.state == "draft" and product.state != "draft":
        raise WRONG_STATE(state=product.state)
    Product.objects.filter(id=product.pk).update(state=command.state)
    return ProductState(state=command.state)


def product_page(product_id: int, viewer: int | None) -> ProductPage:
    """A listed product, its variants, and the public shows it is on sale in."""
    product = Product.objects.filter(id=product_id).first()
    if product is None:
        raise NOT_FOUND()
    if product.state != Product.State.LISTED and not serves(
        product.shop_id, viewer, STAFF
    ):
        raise NOT_FOUND()
    rows = Stock.objects.filter(sku__product=product, kind=Stock.Kind.MAIN)
    stocks = list(rows.select_related("sku").order_by("id"))
    level = levels(stocks)
    parts = part_views(stock.sku_id for stock in stocks)
    offers = Offer.objects.showing().filter(sku__product=product)
    offers = offers.filter(stream__in=Stream.objects.public())
    return ProductPage(
        product=ProductView(
            product=product.pk,
            shop=product.shop_id,
            title=product.title,
            text=product.text,
            media=product.media,
            category=product.category,
            ships_to=product.ships_to,
            cross_border=product.cross_border,
            state=product.state,
            version=product.version,
        ),
        skus=[
            _sku_view(stock.sku, level[stock.pk], parts.get(stock.sku_id, []))
            for stock in stocks
        ],
        offers=[
            ProductOffer(
                offer=offer.pk,
                stream=offer.stream_id,
                number=offer.item.number,
                sku=offer.sku_id,
                prices=offer.price_map,
            )
            for offer in offers.order_by("-id")[:100]
        ],
    )


def _sku_view(sku: Sku, level: Level, parts: list[PartView]) -> SkuView:
    return SkuView(
        sku=sku.pk,
        code=sku.code,
        options=sku.options,
        prices=sku.prices,
        show_stock=sku.show_stock,
        left=shown(level.available, sku.show_stock),
        parts=parts,
    )
