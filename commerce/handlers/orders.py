"""Buying on the socket, and what sells."""

from commerce.actions import paying, receipts, sales
from commerce.actions.checkout import Bagful
from commerce.actions.deciding import Wish
from commerce.commands.insights import GetStreamInsight, StreamInsight
from commerce.commands.orders import (
    CancelOrder,
    GetOrder,
    ListMyOrders,
    ListShopOrders,
    OrderCancelled,
    OrderHeld,
    OrderList,
    OrderView,
    PayOrder,
    PayStarted,
    PlaceOrder,
)
from commerce.teller import tellers
from commerce.till import till
from realtime import CommandRouter, Connection, Rate
from realtime.answered import digest_of

router = CommandRouter()


@router.handles(rate=Rate(5, burst=10))
async def place_order(connection: Connection, command: PlaceOrder) -> OrderHeld:
    """Queue for the stock row's teller, for a bundle at the till; answered when the
    transaction is committed.
    """
    digest = digest_of(command)
    if await till().sells(command.offer):
        return await till().submit(Bagful(connection.user, digest, command))
    return await tellers().submit(Wish(connection.user, digest, command))


@router.handles(rate=Rate(2, burst=10))
async def pay_order(connection: Connection, command: PayOrder) -> PayStarted:
    return await paying.pay(connection.user, command)


@router.handles()
async def cancel_order(connection: Connection, command: CancelOrder) -> OrderCancelled:
    reply, stocks = await paying.cancel(connection.user, command)
    tellers().changed(stocks)
    return reply


@router.handles()
def get_order(connection: Connection, command: GetOrder) -> OrderView:
    return receipts.order_view(connection.user, command.order)


@router.handles()
def list_my_orders(connection: Connection, command: ListMyOrders) -> OrderList:
    return receipts.my_orders(connection.user, command)


@router.handles()
def list_shop_orders(connection: Connection, command: ListShopOrders) -> OrderList:
    return receipts.shop_orders(connection.user, command)


@router.handles()
def stream_insight(connection: Connection, command: GetStreamInsight) -> StreamInsight:
    return sales.stream_insight(connection.user, command.stream)
