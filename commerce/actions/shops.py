"""A shop's settings, its people, its page. Neighbour: catalog.py, which opens shops."""

from collections.abc import Sequence

import msgspec

from accounts.models import Follow, User
from commerce.actions.catalog import (
    MANAGERS,
    STAFF,
    check_fees,
    check_methods,
    must_serve,
    serves,
)
from commerce.commands.catalog import ProductCard, ShopCreated, ShopPage, ShopView
from commerce.commands.shops import (
    Members,
    MemberView,
    SetMember,
    Shipping,
    UpdateShop,
)
from commerce.errors import CURRENCY_MISSING
from commerce.models import Product, Shop, ShopMember, Sku
from commerce.money import missing
from commerce.providers import enabled
from realtime.exceptions import CONFLICT, NOT_FOUND
from streams.models import Stream

OWNER = ShopMember.Role.OWNER


def _locked(shop: int, user: int, roles: Sequence[str]) -> Shop:
    """A shop, locked: its settings and people change one at a time."""
    found = Shop.objects.select_for_update(no_key=True).filter(id=shop).first()
    if found is None:
        raise NOT_FOUND()
    must_serve(shop, user, roles)
    return found


def update_shop(user: int, command: UpdateShop) -> ShopCreated:
    """Change what the command names.

    Raises `BAD_REQUEST` for a way to pay nobody offers here, `CURRENCY_MISSING` when
    the shop's goods or fees lack an amount in one of its currencies.
    """
    shop = _locked(command.shop, user, MANAGERS)
    if command.name is not None:
        shop.name = command.name.strip()
    if command.currencies is not None:
        shop.currencies = list(dict.fromkeys(command.currencies))
        _check_prices(shop)
    if command.methods is not None:
        check_methods(command.methods)
        shop.methods = list(dict.fromkeys(command.methods))
    if command.shipping is not None:
        shop.shipping = msgspec.to_builtins(command.shipping)
    check_fees(msgspec.convert(shop.shipping, Shipping), shop.currencies)
    if command.state is not None:
        shop.state = command.state
    shop.save(update_fields=["name", "currencies", "methods", "shipping", "state"])
    return ShopCreated(shop=shop.pk)


def _check_prices(shop: Shop) -> None:
    for sku in Sku.objects.filter(product__shop=shop).order_by("id"):
        if lacking := missing(sku.prices, shop.currencies):
            raise CURRENCY_MISSING(currency=lacking, product=sku.product_id)


def set_member(user: int, command: SetMember) -> Members:
    """Give or take a role. Raises `CONFLICT` for the last owner's."""
    shop = _locked(command.shop, user, [OWNER])
    if not User.objects.filter(id=command.user, is_active=True).exists():
        raise NOT_FOUND()
    mine = ShopMember.objects.filter(shop=shop, user_id=command.user)
    others = shop.members.filter(role=OWNER).exclude(user_id=command.user)
    if command.role != OWNER and not others.exists():
        raise CONFLICT(why="the last owner")
    if command.role is None:
        mine.delete()
    else:
        ShopMember.objects.update_or_create(
            shop=shop, user_id=command.user, defaults={"role": command.role}
        )
    return members(shop.pk)


def members(shop: int) -> Members:
    rows = ShopMember.objects.filter(shop_id=shop).select_related("user")
    return Members(
        members=[
            MemberView(user=row.user_id, name=str(row.user), role=row.role)
            for row in rows.order_by("id")
        ]
    )


def staff_channels(shop: int) -> list[str]:
    """Where the people of a shop hear what concerns all of them."""
    rows = ShopMember.objects.filter(shop_id=shop, role__in=STAFF).order_by("user_id")
    return [f"#{user}" for user in rows.values_list("user_id", flat=True)]


def shop_page(shop_id: int, viewer: int | None) -> ShopPage:
    """A shop as visitors see it; its staff see drafts too."""
    shop = Shop.objects.filter(id=shop_id).first()
    if shop is None:
        raise NOT_FOUND()
    products = shop.products.prefetch_related("skus").order_by("-id")
    if not serves(shop_id, viewer, STAFF):
        products = products.filter(state=Product.State.LISTED)
    streams = Stream.objects.public().live().filter(host_id=shop.account_id)
    return ShopPage(
        shop=_shop_view(shop),
        products=[_card(product) for product in products[:100]],
        streams=list(streams.values_list("id", flat=True)[:20]),
        followers=Follow.objects.filter(target_id=shop.account_id).count(),
    )


def _shop_view(shop: Shop) -> ShopView:
    return ShopView(
        shop=shop.pk,
        account=shop.account_id,
        name=shop.name,
        country=shop.country,
        currencies=shop.currencies,
        methods=[name for name in shop.methods if name in enabled()],
        shipping=msgspec.convert(shop.shipping, Shipping),
        state=shop.state,
    )


def _card(product: Product) -> ProductCard:
    lowest: dict[str, int] = {}
    for sku in product.skus.all():
        for currency, price in sku.prices.items():
            lowest[currency] = min(price, lowest.get(currency, price))
    return ProductCard(
        product=product.pk,
        title=product.title,
        image=product.image,
        state=product.state,
        prices=lowest,
    )
