"""The room on the socket."""

from commerce import events, sweeper
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
router.tells(
    "deals",
    events.ItemAdded,
    events.ItemRemoved,
    events.ItemExplained,
    events.OfferChanged,
    events.StockOut,
    events.StockBack,
    events.SaleAnnounced,
)
router.tells("state", events.StockTick)
router.tells(
    "#",
    events.OrderChanged,
    events.PaymentChanged,
    events.RefundChanged,
    events.ShipmentChanged,
    events.AfterSaleChanged,
    events.WaitOffered,
    events.WaitChanged,
    events.BagChanged,
)
