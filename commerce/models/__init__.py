"""The room's rows, one file a noun."""

from commerce.models.aftersales import AfterSale, Shipment
from commerce.models.buyers import Address, Bag, BagLine, Wait
from commerce.models.catalog import BundlePart, Product, Shop, ShopMember, Sku
from commerce.models.orders import Order, OrderChange, OrderLine, Tally
from commerce.models.payments import Inbox, Payment, Refund, RefundLine
from commerce.models.shelf import Offer, Shelf, ShelfEvent, ShelfItem
from commerce.models.stock import Move, Stock

__all__ = [
    "Address",
    "AfterSale",
    "Bag",
    "BagLine",
    "BundlePart",
    "Inbox",
    "Move",
    "Offer",
    "Order",
    "OrderChange",
    "OrderLine",
    "Payment",
    "Product",
    "Refund",
    "RefundLine",
    "Shelf",
    "ShelfEvent",
    "ShelfItem",
    "Shipment",
    "Shop",
    "ShopMember",
    "Sku",
    "Stock",
    "Tally",
    "Wait",
]
