"""The room on the socket."""

from commerce import sweeper
from commerce.handlers import (
    aftersales,
    bags,
    catalog,
    orders,
    payments,
    quotes,
    shelf,
    shipping,
    stock,
    waits,
)
from realtime import CommandRouter

router = CommandRouter().include(
    catalog.router,
    stock.router,
    shelf.router,
    bags.router,
    waits.router,
    orders.router,
    quotes.router,
    shipping.router,
    payments.router,
    aftersales.router,
    sweeper.router,
)
