"""The room on the socket."""

from commerce import sweeper
from commerce.handlers import catalog, orders, shelf, stock
from realtime import CommandRouter

router = CommandRouter().include(
    catalog.router, stock.router, shelf.router, orders.router, sweeper.router
)
