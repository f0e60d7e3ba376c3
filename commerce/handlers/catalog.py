"""Shops and products on the socket."""

from functools import partial

from commerce.actions import catalog, shops
from commerce.commands.catalog import (
    CreateShop,
    GetProduct,
    GetShop,
    ProductPage,
    ProductSaved,
    ProductState,
    SaveProduct,
    SetProductState,
    ShopCreated,
    ShopPage,
)
from commerce.commands.shops import Members, SetMember, UpdateShop
from realtime import CommandRouter, Connection, once

router = CommandRouter()


@router.handles()
def create_shop(connection: Connection, command: CreateShop) -> ShopCreated:
    act = partial(catalog.create_shop, connection.user, command)
    return once(connection.user, command, ShopCreated, act)


@router.handles()
def update_shop(connection: Connection, command: UpdateShop) -> ShopCreated:
    act = partial(shops.update_shop, connection.user, command)
    return once(connection.user, command, ShopCreated, act)


@router.handles()
def set_member(connection: Connection, command: SetMember) -> Members:
    act = partial(shops.set_member, connection.user, command)
    return once(connection.user, command, Members, act)


@router.handles(anonymous=True)
def get_shop(connection: Connection, command: GetShop) -> ShopPage:
    return shops.shop_page(command.shop, connection.viewer)


@router.handles()
def save_product(connection: Connection, command: SaveProduct) -> ProductSaved:
    act = partial(catalog.save_product, connection.user, command)
    return once(connection.user, command, ProductSaved, act)


@router.handles()
def set_product_state(connection: Connection, command: SetProductState) -> ProductState:
    act = partial(catalog.set_product_state, connection.user, command)
    return once(connection.user, command, ProductState, act)


@router.handles(anonymous=True)
def get_product(connection: Connection, command: GetProduct) -> ProductPage:
    return catalog.product_page(command.product, connection.viewer)
