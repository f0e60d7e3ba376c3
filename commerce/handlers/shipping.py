"""Packing, sending and receiving on the socket."""

from functools import partial

from commerce.actions import shipping
from commerce.commands.shipping import (
    FixShipment,
    OrderState,
    PackOrder,
    ReceiveOrder,
    ShipOrder,
    Shipped,
)
from realtime import CommandRouter, Connection, once

router = CommandRouter()


@router.handles()
def pack_order(connection: Connection, command: PackOrder) -> OrderState:
    act = partial(shipping.pack, connection.user, command)
    return once(connection.user, command, OrderState, act)


@router.handles()
def ship_order(connection: Connection, command: ShipOrder) -> Shipped:
    act = partial(shipping.ship, connection.user, command)
    return once(connection.user, command, Shipped, act)


@router.handles()
def fix_shipment(connection: Connection, command: FixShipment) -> Shipped:
    act = partial(shipping.fix, connection.user, command)
    return once(connection.user, command, Shipped, act)


@router.handles()
def receive_order(connection: Connection, command: ReceiveOrder) -> OrderState:
    act = partial(shipping.receive, connection.user, command)
    return once(connection.user, command, OrderState, act)
