"""Attempts to pay, and what providers told us."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from commerce.models.orders import Order, OrderLine


class Payment(models.Model):
    """One attempt. It changes only under its order's lock."""

    class State(models.TextChoices):
        CREATED = "created"
        STARTED = "started"
        PROCESSING = "processing"
        FAILED = "failed"
        CANCELLED = "cancelled"
        SETTLED = "settled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="payments")
    attempt = models.PositiveIntegerField()
    provider = models.CharField(max_length=16)
    key = models.CharField(max_length=64)
    """What the provider knows the attempt by: started again, it is the same one."""
    ref = models.CharField(max_length=64, null=True)
    """The provider's name for it."""
    redirect = models.CharField(max_length=200, default="")
    """Where the buyer pays."""
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=12, choices=State, default=State.CREATED)
    use = models.CharField(
        max_length=8, choices=[("order", "order"), ("refund", "refund")], null=True
    )
    """What the money is for. Null with a settled one: see `quarantined_at`."""
    expires_at = models.BigIntegerField()
    """The order's, as told when this attempt began."""
    check_at = models.BigIntegerField(null=True)
    """When to ask the provider next."""
    checks = models.PositiveIntegerField(default=0)
    quarantined_at = models.BigIntegerField(null=True)
    """Money that fits no order waits here for a person. `problem` says why."""
    problem = models.CharField(max_length=12, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "ref"], name="one_ref"),
            models.UniqueConstraint(fields=["order", "attempt"], name="one_attempt"),
            models.UniqueConstraint(
                fields=["order"], condition=Q(use="order"), name="an_order_paid_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["check_at"],
                condition=Q(check_at__isnull=False),
                name="payments_to_ask_about",
            )
        ]


class Refund(models.Model):
    """Money on its way back: the row first, then the provider, by the key it has."""

    class Reason(models.TextChoices):
        LATE = "late"
        DUPLICATE = "duplicate"
        CANCEL = "cancel"
        SHOP = "shop"
        AFTER_SALE = "aftersale"

    class State(models.TextChoices):
        DUE = "due"
        SENT = "sent"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    order = models.ForeignKey(Order, models.PROTECT, related_name="refunds")
    amount = models.BigIntegerField()
    reason = models.CharField(max_length=10, choices=Reason)
    note = models.CharField(max_length=200, default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    state = models.CharField(max_length=8, choices=State, default=State.DUE)
    ref = models.CharField(max_length=64, null=True)
    """The provider's name for it."""
    check_at = models.BigIntegerField(null=True)
    checks = models.PositiveIntegerField(default=0)
    at = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["payment"],
                condition=Q(reason__in=["late", "duplicate"]),
                name="needless_money_back_once",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="a_refund_is_of_something"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["check_at"],
                condition=Q(check_at__isnull=False),
                name="refunds_to_see_to",
            )
        ]


class RefundLine(models.Model):
    """What part of a refund is for which line; `qty` units of it come back, if any."""

    refund = models.ForeignKey(Refund, models.CASCADE, related_name="lines")
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="refunds")
    qty = models.PositiveIntegerField(default=0)
    amount = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["refund", "line"], name="a_line_once")
        ]


class Inbox(models.Model):
    """A provider's event, once. Unknown `ref`: kept until its payment appears."""

    provider = models.CharField(max_length=16)
    event_id = models.CharField(max_length=100)
    kind = models.CharField(max_length=40)
    ref = models.CharField(max_length=64)
    raw = models.BinaryField()
    received_at = models.BigIntegerField()
    handled_at = models.BigIntegerField(null=True)
    problem = models.CharField(max_length=100, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider", "event_id"], name="an_event_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["ref"],
                condition=Q(handled_at__isnull=True),
                name="events_not_yet_handled",
            ),
            models.Index(fields=["ref"], name="events_by_ref"),
        ]
