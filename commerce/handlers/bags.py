"""Bags on the socket."""

from functools import partial

from commerce.actions import bags
from commerce.actions.checkout import Bagful, check_lines
from commerce.commands.bags import BagView, CheckOutBag, GetBag, PutInBag
from commerce.commands.orders import OrderHeld
from commerce.till import till
from realtime import CommandRouter, Connection, Rate, digest_of, once

router = CommandRouter()


@router.handles(rate=Rate(5, burst=20))
def put_in_bag(connection: Connection, command: PutInBag) -> BagView:
    act = partial(bags.put_in_bag, connection.user, command)
    return once(connection.user, command, BagView, act)


@router.handles()
def get_bag(connection: Connection, command: GetBag) -> BagView:
    return bags.bag_view(connection.user)


@router.handles(rate=Rate(5, burst=10))
async def check_out_bag(connection: Connection, command: CheckOutBag) -> OrderHeld:
    """Queue at the till; answered when the transaction is committed."""
    check_lines(command)
    bag = Bagful(connection.user, digest_of(command), command)
    return await till().submit(bag)
