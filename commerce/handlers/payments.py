"""Money on the socket, beside `order.pay`: what a shop says and gives back."""

from functools import partial

from commerce.actions import refunds, settling
from commerce.actions.touching import once_touching
from commerce.commands.shipping import (
    CreateRefund,
    MarkPaid,
    MarkRefunded,
    OrderState,
    Refunded,
)
from commerce.teller import tellers
from realtime import CommandRouter, Connection, once

router = CommandRouter()


@router.handles()
def mark_paid(connection: Connection, command: MarkPaid) -> OrderState:
    act = partial(settling.mark_paid, connection.user, command)
    return once(connection.user, command, OrderState, act)


@router.handles()
async def create_refund(connection: Connection, command: CreateRefund) -> Refunded:
    act = partial(refunds.create_refund, connection.user, command)
    reply, touched = await once_touching(connection.user, command, Refunded, act)
    tellers().changed(touched)
    return reply


@router.handles()
def mark_refunded(connection: Connection, command: MarkRefunded) -> Refunded:
    act = partial(refunds.mark_done, connection.user, command)
    return once(connection.user, command, Refunded, act)
