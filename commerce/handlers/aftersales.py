"""After-sales on the socket. Units that come back are told to the tellers here."""

from functools import partial

from commerce.actions import aftersales
from commerce.actions.touching import once_touching
from commerce.commands.shipping import (
    AfterSaleState,
    CameBack,
    DecideAfterSale,
    OpenAfterSale,
    SentBack,
    WithdrawAfterSale,
)
from commerce.teller import tellers
from realtime import CommandRouter, Connection, Rate, once

router = CommandRouter()


@router.handles(rate=Rate(1, burst=5))
def open_after_sale(connection: Connection, command: OpenAfterSale) -> AfterSaleState:
    act = partial(aftersales.open_one, connection.user, command)
    return once(connection.user, command, AfterSaleState, act)


@router.handles()
def sent_back(connection: Connection, command: SentBack) -> AfterSaleState:
    act = partial(aftersales.sent, connection.user, command)
    return once(connection.user, command, AfterSaleState, act)


@router.handles()
def withdraw(connection: Connection, command: WithdrawAfterSale) -> AfterSaleState:
    act = partial(aftersales.withdraw, connection.user, command)
    return once(connection.user, command, AfterSaleState, act)


@router.handles()
async def decide(connection: Connection, command: DecideAfterSale) -> AfterSaleState:
    act = partial(aftersales.decide, connection.user, command)
    reply, touched = await once_touching(connection.user, command, AfterSaleState, act)
    tellers().changed(touched)
    return reply


@router.handles()
async def came_back(connection: Connection, command: CameBack) -> AfterSaleState:
    act = partial(aftersales.came_back, connection.user, command)
    reply, touched = await once_touching(connection.user, command, AfterSaleState, act)
    tellers().changed(touched)
    return reply
