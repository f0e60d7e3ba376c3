"""What a show has on its shelf, at which price, and the log of it."""

from collections.abc import Iterable
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from commerce.models.catalog import BundlePart, Product, Sku
from commerce.models.stock import Stock
from streams.models import Stream


class Shelf(models.Model):
    """Every action on a shelf opens by raising `version`: its mutex."""

    stream = models.OneToOneField(
        Stream, models.CASCADE, primary_key=True, related_name="shelf"
    )
    next_number = models.PositiveIntegerField(default=1)
    version = models.PositiveIntegerField(default=0)


class ShelfItem(models.Model):
    """A product on a show's shelf. Its number is never given to another."""

    stream = models.ForeignKey(Stream, models.CASCADE, related_name="shelf_items")
    number = models.PositiveIntegerField()
    product = models.ForeignKey(Product, models.PROTECT, related_name="shelf_items")
    position = models.PositiveIntegerField()
    explaining_since = models.BigIntegerField(null=True)
    removed_at = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream", "number"], name="one_item_a_no")
        ]


class OfferQuerySet(models.QuerySet["Offer"]):
    def showing(self) -> Self:
        """Open offers of shows that are on, with what a tick or an edge needs."""
        found = self.filter(state="open", stream__in=Stream.objects.live())
        return found.select_related("item", "sku", "stock")

    def drawing_on(self, stocks: Iterable[int]) -> Self:
        """Offers counted by these rows: their own, and bundles they are parts of."""
        rows = set(stocks)
        bundles = BundlePart.objects.filter(sku__stocks__in=rows).values("bundle")
        # A union, as both halves have an index; of an OR neither would be used.
        own = Offer.objects.filter(stock__in=rows).values("id")
        return self.filter(
            id__in=own.union(Offer.objects.filter(sku__in=bundles).values("id"))
        )


class Offer(models.Model):
    """A SKU on sale in a show. It changes only under its stock row's lock."""

    class Kind(models.TextChoices):
        NORMAL = "normal"

    class State(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    stream = models.ForeignKey(Stream, models.CASCADE, related_name="offers")
    item = models.ForeignKey(ShelfItem, models.CASCADE, related_name="offers")
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="offers")
    stock = models.ForeignKey(Stock, models.PROTECT, related_name="offers")
    """Never changes: processes remember it. A bundle's is its lock, no count."""
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.NORMAL)
    prices = models.JSONField(null=True)
    """This show's prices; null: the SKU's list prices."""
    was = models.JSONField(null=True)
    """What it cost before, to be shown struck through."""
    per_buyer = models.PositiveIntegerField(null=True)
    hold_s = models.PositiveIntegerField(default=300)
    price_visible_at = models.BigIntegerField(null=True)
    """Until then the price is hidden, and nobody can buy."""
    starts_at = models.BigIntegerField(null=True)
    ends_at = models.BigIntegerField(null=True)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    version = models.PositiveIntegerField(default=1)

    objects = OfferQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["stream", "sku", "kind"],
                condition=Q(state="open"),
                name="one_open_offer_a_sku",
            ),
            models.CheckConstraint(
                condition=Q(hold_s__gte=15, hold_s__lte=900), name="hold_15_to_900_s"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["ends_at"],
                condition=Q(state="open", ends_at__isnull=False),
                name="offers_by_their_end",
            )
        ]

    @property
    def price_map(self) -> dict[str, int]:
        """What counts now: the show's prices, else the list's."""
        return dict(self.prices if self.prices is not None else self.sku.prices)


class ShelfEvent(models.Model):
    """What happened on a shelf and when in the picture: append-only."""

    class Kind(models.TextChoices):
        ADDED = "added"
        REMOVED = "removed"
        EXPLAINED = "explained"
        UNEXPLAINED = "unexplained"
        PRICED = "priced"

    stream = models.ForeignKey(Stream, models.CASCADE, related_name="shelf_events")
    at = models.BigIntegerField()
    offset_ms = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=Kind)
    number = models.PositiveIntegerField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    data = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["stream", "offset_ms"], name="script_of_a_shelf")
        ]
