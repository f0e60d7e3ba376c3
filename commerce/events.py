"""What the room tells: on `deals:<stream>`, on `#<user>`, and the ticks of `state:`.

A consumer drops an event whose `version` is not newer than its own: the shelf's for
items, the offer's for prices, the stock row's for stock, the order's for orders.
"""

from msgspec import field

from commerce.commands.shelf import ItemView
from realtime import Event, Latest


class ItemAdded(Event, frozen=True, tag="item.added"):
    item: ItemView
    version: int


class ItemRemoved(Event, frozen=True, tag="item.removed"):
    number: int
    version: int


class ItemExplained(Event, frozen=True, tag="item.explained"):
    """`explaining` is the list after it; `at` is epoch ms, `media_ms` the picture's."""

    number: int
    on: bool
    at: int
    media_ms: int
    explaining: list[int]
    version: int


class OfferChanged(Event, frozen=True, tag="offer.changed"):
    number: int
    offer: int
    sku: int
    prices: dict[str, int]
    list: dict[str, int]
    per_buyer: int | None
    version: int


class StockOut(Event, frozen=True, tag="stock.out"):
    """An edge: there was some, there is none."""

    number: int
    offer: int
    version: int


class StockBack(Event, frozen=True, tag="stock.back"):
    """An edge: there was none, there is some."""

    number: int
    offer: int
    version: int


class SaleAnnounced(Event, frozen=True, tag="sale.announced"):
    """Paid orders of one item: at most three `names`, `count` orders, `sold` in all."""

    number: int
    names: list[str]
    count: int
    sold: int


class OrderChanged(Event, frozen=True, tag="order.changed"):
    order: str
    state: str
    was: str | None
    version: int
    amount: int | None = None
    expires_at: int | None = None
    reason: str | None = None


class PaymentChanged(Event, frozen=True, tag="payment.changed"):
    order: str
    payment: str
    state: str
    reason: str | None = None


class RefundChanged(Event, frozen=True, tag="refund.changed"):
    order: str
    refund: str
    amount: int
    state: str


class ShipmentChanged(Event, frozen=True, tag="shipment.changed"):
    """`last` is what the carrier said last."""

    order: str
    shipment: int
    carrier: str
    number: str
    last: str


class AfterSaleChanged(Event, frozen=True, tag="aftersale.changed"):
    """To the buyer and to the shop's staff."""

    order: str
    aftersale: int
    state: str
    version: int


class WaitOffered(Event, frozen=True, tag="wait.offered"):
    """Units came back: they are held for you until `expires_at`."""

    wait: int
    offer: int
    order: str
    expires_at: int


class WaitChanged(Event, frozen=True, tag="wait.changed"):
    wait: int
    offer: int
    state: str
    ahead: int


class BagChanged(Event, frozen=True, tag="bag.changed"):
    """`lines` is how many it has: the bag itself is asked for."""

    version: int
    lines: int


class StockTick(Latest, frozen=True):
    """`stock:<offer>`: how many are left, where the shop tells, and whether any."""

    offer: int
    left: int | None
    in_stock: bool = field(name="in")
    version: int

    @property
    def key(self) -> str:
        return f"stock:{self.offer}"
