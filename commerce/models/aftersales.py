"""What follows a sale: parcels, and buyers who are not content."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from commerce.models.orders import Order
from commerce.models.payments import Refund


class Shipment(models.Model):
    """A parcel. `lines` is `[{"line", "qty"}]`, `events` what its carrier told."""

    class State(models.TextChoices):
        SENT = "sent"
        DELIVERED = "delivered"

    order = models.ForeignKey(Order, models.PROTECT, related_name="shipments")
    carrier = models.CharField(max_length=40)
    number = models.CharField(max_length=60)
    lines = models.JSONField()
    events = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State, default=State.SENT)
    at = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["carrier", "number"], name="parcels_by_number")
        ]


class AfterSale(models.Model):
    """A buyer's wish for money, a return or another piece; one open an order.

    `lines` is `[{"line", "qty"}]`. Whoever must act next has until `due_at`.
    """

    class Kind(models.TextChoices):
        REFUND = "refund"
        RETURN = "return"
        EXCHANGE = "exchange"

    class State(models.TextChoices):
        ASKED = "asked"
        ACCEPTED = "accepted"
        REFUSED = "refused"
        SENT = "sent"
        RECEIVED = "received"
        DONE = "done"
        WITHDRAWN = "withdrawn"

    order = models.ForeignKey(Order, models.PROTECT, related_name="aftersales")
    kind = models.CharField(max_length=8, choices=Kind)
    lines = models.JSONField()
    reason = models.CharField(max_length=200)
    media = models.JSONField(default=list)
    note = models.CharField(max_length=200, default="")
    """The shop's, with its decision."""
    carrier = models.CharField(max_length=40, default="")
    number = models.CharField(max_length=60, default="")
    """The parcel that comes back."""
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    version = models.PositiveIntegerField(default=0)
    due_at = models.BigIntegerField(null=True)
    refund = models.OneToOneField(
        Refund, models.PROTECT, null=True, related_name="aftersale"
    )
    replacement = models.OneToOneField(
        Order, models.PROTECT, null=True, related_name="replaces"
    )
    """The order that costs nothing, of an exchange."""
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    at = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(state__in=["asked", "accepted", "sent", "received"]),
                name="one_open_after_sale",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "due_at"], name="after_sales_due")
        ]
