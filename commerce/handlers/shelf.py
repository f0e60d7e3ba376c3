"""The shelf on the socket, and in the reply to a subscriber of `deals:`."""

from functools import partial

from commerce.actions import shelf
from commerce.actions.standing import Standing
from commerce.commands.shelf import (
    AddItem,
    Explaining,
    ExplainItem,
    GetShelf,
    ItemAddedReply,
    OfferPriced,
    Position,
    PriceOffer,
    RemoveItem,
    ShelfSnapshot,
    ShelfVersion,
    ShelfView,
)
from realtime import CommandRouter, Connection, db, once, position
from streams.roles import stream_at

router = CommandRouter()


async def shelf_view(stream: int, viewer: int | None) -> ShelfView:
    """The shelf; its position is read before its rows, so nothing falls between."""
    at = await position(f"deals:{stream}")
    standing = await db(Standing, stream, viewer)
    return ShelfView(
        items=standing.items,
        explaining=standing.explaining,
        version=standing.version,
        now=standing.now,
        position=Position(offset=at.offset, epoch=at.epoch),
    )


@router.handles(anonymous=True)
async def get_shelf(connection: Connection, command: GetShelf) -> ShelfView:
    return await shelf_view(command.stream, connection.viewer)


@router.on_subscribe("deals")
async def with_shelf(connection: Connection, address: str) -> ShelfSnapshot:
    stream = await db(stream_at, address)
    return ShelfSnapshot(shelf=await shelf_view(stream.pk, connection.viewer))


@router.handles()
def add_item(connection: Connection, command: AddItem) -> ItemAddedReply:
    act = partial(shelf.add_item, connection.user, command)
    return once(connection.user, command, ItemAddedReply, act)


@router.handles()
def remove_item(connection: Connection, command: RemoveItem) -> ShelfVersion:
    act = partial(shelf.remove_item, connection.user, command)
    return once(connection.user, command, ShelfVersion, act)


@router.handles()
def explain_item(connection: Connection, command: ExplainItem) -> Explaining:
    act = partial(shelf.explain_item, connection.user, command)
    return once(connection.user, command, Explaining, act)


@router.handles()
def price_offer(connection: Connection, command: PriceOffer) -> OfferPriced:
    act = partial(shelf.price_offer, connection.user, command)
    return once(connection.user, command, OfferPriced, act)
