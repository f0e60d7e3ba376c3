"""What buyers keep with us before an order: a bag, addresses, a place in the queue."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from commerce.models.orders import Order
from commerce.models.shelf import Offer


class Bag(models.Model):
    """Every change of a bag opens by raising `version`: its mutex."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="bag"
    )
    version = models.PositiveIntegerField(default=0)


class BagLine(models.Model):
    """Nothing is held by it: units are taken at checkout."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="bag_lines"
    )
    offer = models.ForeignKey(Offer, models.CASCADE, related_name="bag_lines")
    qty = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "offer"], name="one_bag_line")
        ]


class Wait(models.Model):
    """A place in the queue for units of an offer that come back."""

    class State(models.TextChoices):
        WAITING = "waiting"
        OFFERED = "offered"
        BOUGHT = "bought"
        PASSED = "passed"
        LEFT = "left"

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="waits")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="waits"
    )
    qty = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    order = models.OneToOneField(
        Order, models.PROTECT, null=True, related_name="waited_for_by"
    )
    """The hold it was offered."""
    currency = models.CharField(max_length=3)
    """What they will pay in."""
    at = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["offer", "user"],
                condition=Q(state__in=["waiting", "offered"]),
                name="one_place_in_a_queue",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["offer", "id"],
                condition=Q(state="waiting"),
                name="queue_of_an_offer",
            )
        ]


class Address(models.Model):
    """Where a buyer has things sent. Orders keep a copy."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="addresses"
    )
    name = models.CharField(max_length=60)
    phone = models.CharField(max_length=30)
    country = models.CharField(max_length=2)
    region = models.CharField(max_length=60)
    line = models.CharField(max_length=200)
    is_default = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(is_default=True),
                name="one_default_address",
            )
        ]
