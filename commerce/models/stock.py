"""The stock row and its ledger: what is left, and every movement that made it so."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from commerce.models.catalog import Sku


class Stock(models.Model):
    """A countable pool. The row's lock and its CHECK are the law of every sale."""

    class Kind(models.TextChoices):
        MAIN = "main"

    sku = models.ForeignKey(Sku, models.PROTECT, related_name="stocks")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.MAIN)
    available = models.BigIntegerField(default=0)
    version = models.PositiveBigIntegerField(default=0)
    changed_at = models.BigIntegerField()
    """Epoch ms. Not indexed: so PostgreSQL updates the row in place (HOT)."""

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(available__gte=0), name="stock_never_below_zero"
            ),
            models.UniqueConstraint(
                fields=["sku"], condition=Q(kind="main"), name="one_main_stock_a_sku"
            ),
        ]


class Move(models.Model):
    """One movement of a stock row: append-only. `ref` says of what, once a kind.

    A sale moves nothing (its hold did), but stands here, with `delta` 0.
    """

    class Kind(models.TextChoices):
        RECEIVE = "receive"
        ADJUST = "adjust"
        HOLD = "hold"
        RELEASE = "release"
        REHOLD = "rehold"
        SELL = "sell"
        RESTOCK = "restock"

    stock = models.ForeignKey(
        Stock,
        models.PROTECT,
        related_name="moves",
        db_constraint=False,
        db_index=False,
    )
    kind = models.CharField(max_length=8, choices=Kind)
    delta = models.BigIntegerField()
    ref = models.CharField(max_length=100)
    """The line's id for movements of an order, `<user>:<key>` for those of a person."""
    line = models.ForeignKey(
        "commerce.OrderLine",
        models.PROTECT,
        null=True,
        related_name="moves",
        db_constraint=False,
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    note = models.CharField(max_length=200, default="")
    at = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "ref"], name="a_move_happens_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["stock", "id"], name="ledger_of_a_stock")
        ]
