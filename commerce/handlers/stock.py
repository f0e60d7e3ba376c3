"""Stock on the socket. A change of it is told to this process's tellers."""

from functools import partial

from commerce.actions import counting, stock
from commerce.commands.stock import (
    AdjustStock,
    Ledger,
    ListStock,
    ReceiveStock,
    StockLevel,
)
from commerce.teller import tellers
from realtime import CommandRouter, Connection, db, once

router = CommandRouter()


@router.handles()
async def receive_stock(connection: Connection, command: ReceiveStock) -> StockLevel:
    act = partial(counting.receive_stock, connection.user, command)
    level = await db(once, connection.user, command, StockLevel, act)
    tellers().changed(await db(stock.rows_of, command.sku))
    return level


@router.handles()
async def adjust_stock(connection: Connection, command: AdjustStock) -> StockLevel:
    act = partial(counting.adjust_stock, connection.user, command)
    level = await db(once, connection.user, command, StockLevel, act)
    tellers().changed(await db(stock.rows_of, command.sku))
    return level


@router.handles()
def list_stock(connection: Connection, command: ListStock) -> Ledger:
    return counting.ledger(connection.user, command)
