"""Orders: a hold is an order that is `held` or `paying`. Neighbour: buyers.py."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from commerce.models.catalog import Shop, Sku
from commerce.models.shelf import Offer
from commerce.models.stock import Stock
from streams.models import Stream


class Order(models.Model):
    """A sale from its hold on. Times are the database's, in epoch ms.

    `buyer`, `key`, `digest`, `currency`, `hold_until`, the lines never change: from
    them the first reply can be given again for ever.
    """

    class State(models.TextChoices):
        HELD = "held"
        PAYING = "paying"
        PAID = "paid"
        CUSTOMS = "customs"
        PACKED = "packed"
        PART_SHIPPED = "part_shipped"
        SHIPPED = "shipped"
        RECEIVED = "received"
        DONE = "done"
        CLOSED = "closed"
        EXPIRED = "expired"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # What is written only beside rows just read or locked has no foreign key in the
    # database, and no index of its own where another begins with it: half of what a
    # batch cost PostgreSQL. See docs/decisions/0009.
    shop = models.ForeignKey(
        Shop,
        models.PROTECT,
        related_name="orders",
        db_constraint=False,
        db_index=False,
    )
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="orders",
        db_index=False,
    )
    key = models.CharField(max_length=64)
    digest = models.BinaryField(max_length=16)
    state = models.CharField(max_length=12, choices=State, default=State.HELD)
    version = models.PositiveIntegerField(default=0)
    currency = models.CharField(max_length=3)
    goods = models.BigIntegerField()
    """What the lines cost together, before anything is taken off or added."""
    discount = models.BigIntegerField(default=0, db_default=0)
    shipping = models.BigIntegerField(default=0, db_default=0)
    tax = models.BigIntegerField(default=0, db_default=0)
    taxes = models.JSONField(default=list, db_default=[])
    """The tax lines that make `tax`: `[{"name", "rate_bp", "amount"}]`."""
    amount = models.BigIntegerField(null=True)
    """What is to be paid: goods − discount + shipping + tax, fixed by the quote, or
    when paying begins."""
    address = models.JSONField(null=True)
    """Where it goes, as it was when it was quoted."""
    placed_at = models.BigIntegerField()
    hold_until = models.BigIntegerField()
    expires_at = models.BigIntegerField(null=True)
    """When the sweeper may take the hold back; paying raises it once."""
    grace = models.BooleanField(default=False)
    """The one extra minute was given, while the provider could not be asked."""
    via_kind = models.CharField(max_length=8)
    via_id = models.BigIntegerField()
    stream = models.ForeignKey(
        Stream, models.PROTECT, null=True, related_name="orders", db_constraint=False
    )
    media_ms = models.BigIntegerField(null=True)
    paid_at = models.BigIntegerField(null=True)
    announced_at = models.BigIntegerField(null=True)
    due_at = models.BigIntegerField(null=True)
    """When a shipped order counts as received, and a received one as done."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["buyer", "key"], name="one_order_a_key")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["expires_at"],
                condition=Q(state__in=["held", "paying"]),
                name="holds_by_their_end",
            ),
            models.Index(
                fields=["stream"],
                condition=Q(paid_at__isnull=False, announced_at__isnull=True),
                name="sales_to_announce",
            ),
            models.Index(
                fields=["due_at"],
                condition=Q(due_at__isnull=False),
                name="orders_to_move_on",
            ),
            models.Index(fields=["shop", "state", "id"], name="orders_of_a_shop"),
            models.Index(fields=["buyer", "placed_at"], name="orders_of_a_buyer"),
        ]


class OrderLine(models.Model):
    """What was sold, as it was then: title, picture and price are copies."""

    order = models.ForeignKey(
        Order, models.PROTECT, related_name="lines", db_constraint=False
    )
    offer = models.ForeignKey(
        Offer, models.PROTECT, related_name="lines", db_constraint=False
    )
    sku = models.ForeignKey(
        Sku, models.PROTECT, related_name="lines", db_constraint=False, db_index=False
    )
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="children", db_index=False
    )
    """The line of a bundle, which has the price; its parts are lines that cost nothing
    and have the stock."""
    stock = models.ForeignKey(
        Stock,
        models.PROTECT,
        null=True,
        related_name="lines",
        db_constraint=False,
        db_index=False,
    )
    qty = models.PositiveIntegerField()
    title = models.CharField(max_length=80)
    image = models.CharField(max_length=500, default="")
    options = models.JSONField(default=dict)
    price = models.BigIntegerField()
    """Of one unit."""
    discount = models.BigIntegerField(default=0, db_default=0)
    net = models.BigIntegerField(default=0, db_default=0)
    """price × qty − discount. Written with the line, for it bounds the refunds."""
    tax = models.BigIntegerField(default=0, db_default=0)
    refunded = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(qty__gt=0), name="a_line_has_units"),
            models.CheckConstraint(
                condition=Q(refunded__lte=F("net") + F("tax")),
                name="refunded_within_the_line",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["parent"],
                condition=Q(parent__isnull=False),
                name="parts_of_a_bundle",
            )
        ]


class OrderChange(models.Model):
    """One change of an order's state. A new hold is version 0 and has none."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="changes")
    version = models.PositiveIntegerField()
    was = models.CharField(max_length=12)
    state = models.CharField(max_length=12)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    reason = models.CharField(max_length=200, default="")
    at = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "version"], name="a_change_once")
        ]


class Tally(models.Model):
    """What a buyer has of an offer with a limit."""

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="tallies")
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+"
    )
    qty = models.PositiveIntegerField()
    cap = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["offer", "buyer"], name="one_tally"),
            models.CheckConstraint(
                condition=Q(qty__lte=F("cap")), name="tally_within_its_cap"
            ),
        ]
