"""Addresses and quotes on the socket."""

from functools import partial

from commerce.actions import addresses, quoting
from commerce.commands.ids import Empty
from commerce.commands.quotes import (
    AddressList,
    AddressSaved,
    DropAddress,
    ListAddresses,
    Quote,
    QuoteOrder,
    SaveAddress,
)
from realtime import CommandRouter, Connection, Rate, once

router = CommandRouter()


@router.handles()
def save_address(connection: Connection, command: SaveAddress) -> AddressSaved:
    act = partial(addresses.save_address, connection.user, command)
    return once(connection.user, command, AddressSaved, act)


@router.handles()
def drop_address(connection: Connection, command: DropAddress) -> Empty:
    act = partial(addresses.drop_address, connection.user, command)
    return once(connection.user, command, Empty, act)


@router.handles()
def list_addresses(connection: Connection, command: ListAddresses) -> AddressList:
    return addresses.addresses(connection.user)


@router.handles(rate=Rate(2, burst=10))
async def quote_order(connection: Connection, command: QuoteOrder) -> Quote:
    return await quoting.quote(connection.user, command)
