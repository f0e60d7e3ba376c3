"""After-sales on the socket. Units that come back are told to the tellers here."""

from functools import partial

from commerce.actions import aftersales
from commerce.commands.shipping import (
    AfterSaleState,
    CameBack,
    DecideAfterSale,
    OpenAfterSale,
    SentBack,
    WithdrawAfterSale,
)
from commerce.teller import tellers
from realtime import CommandRouter, Connection, Rate, db, once

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
    touched: list[int] = []

    def act() -> AfterSaleState:
        reply, stocks = aftersales.decide(connection.user, command)
        touched.extend(stocks)
        return reply

    reply = await db(once, connection.user, command, AfterSaleState, act)
    tellers().changed(touched)
    return reply


@router.handles()
async def came_back(connection: Connection, command: CameBack) -> AfterSaleState:
    touched: list[int] = []

    def act() -> AfterSaleState:
        reply, stocks = aftersales.came_back(connection.user, command)
        touched.extend(stocks)
        return reply

    reply = await db(once, connection.user, command, AfterSaleState, act)
    tellers().changed(touched)
    return reply
