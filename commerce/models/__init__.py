"""The room's rows, one file a noun."""

from commerce.models.catalog import Product, Shop, ShopMember, Sku
from commerce.models.orders import Order, OrderChange, OrderLine, Tally
from commerce.models.payments import Inbox, Payment
from commerce.models.shelf import Offer, Shelf, ShelfEvent, ShelfItem
from commerce.models.stock import Move, Stock

__all__ = [
    "Inbox",
    "Move",
    "Offer",
    "Order",
    "OrderChange",
    "OrderLine",
    "Payment",
    "Product",
    "Shelf",
    "ShelfEvent",
    "ShelfItem",
    "Shop",
    "ShopMember",
    "Sku",
    "Stock",
    "Tally",
]
