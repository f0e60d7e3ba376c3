"""The queue for what is sold out, on the socket."""

from functools import partial

from commerce.actions import waits
from commerce.actions.touching import once_touching
from commerce.commands.bags import (
    JoinQueue,
    LeaveQueue,
    ListMyWaits,
    Waiting,
    WaitList,
)
from commerce.commands.ids import Empty
from commerce.teller import tellers
from realtime import CommandRouter, Connection, Rate, once

router = CommandRouter()


@router.handles(rate=Rate(2, burst=10))
def join_queue(connection: Connection, command: JoinQueue) -> Waiting:
    act = partial(waits.join, connection.user, command)
    return once(connection.user, command, Waiting, act)


@router.handles(rate=Rate(2, burst=10))
async def leave_queue(connection: Connection, command: LeaveQueue) -> Empty:
    act = partial(waits.leave, connection.user, command)
    reply, touched = await once_touching(connection.user, command, Empty, act)
    tellers().changed(touched)
    return reply


@router.handles()
def list_my_waits(connection: Connection, command: ListMyWaits) -> WaitList:
    return waits.my_waits(connection.user)
