"""Shops and what they have to sell."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class Shop(models.Model):
    """A brand's or a host's shop. It is followed through its `account`."""

    class State(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="shop"
    )
    name = models.CharField(max_length=40)
    country = models.CharField(max_length=2)
    currencies = models.JSONField()
    """ISO 4217 codes; the first is the one reports are read in."""
    methods = models.JSONField()
    """How buyers may pay: names of providers."""
    shipping = models.JSONField(default=dict)
    """Where it ships and for how much, as `{"CN": {"fee": {"CNY": 800}, "free_over":
    {"CNY": 9900}}}`. Empty: nothing is shipped, and no address is asked for."""
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)

    def __str__(self) -> str:
        return self.name


class ShopMember(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner"
        MANAGER = "manager"
        CLERK = "clerk"
        SERVICE = "service"

    shop = models.ForeignKey(Shop, models.CASCADE, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="shop_roles"
    )
    role = models.CharField(max_length=8, choices=Role)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["shop", "user"], name="one_role_a_member")
        ]


class Product(models.Model):
    class State(models.TextChoices):
        DRAFT = "draft"
        LISTED = "listed"
        DELISTED = "delisted"

    shop = models.ForeignKey(Shop, models.PROTECT, related_name="products")
    title = models.CharField(max_length=80)
    text = models.TextField(default="", blank=True)
    media = models.JSONField(default=list)
    """Addresses of pictures; the first stands on the shelf."""
    category = models.CharField(max_length=40, default="", blank=True)
    ships_to = models.JSONField(default=list)
    """Countries; empty: wherever its shop ships."""
    cross_border = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["shop", "state"], name="products_of_a_shop")
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def image(self) -> str:
        """The first picture's address, or nothing."""
        return str(self.media[0]) if self.media else ""


class Sku(models.Model):
    """One variant of a product: what is counted, priced and sold."""

    class Show(models.TextChoices):
        EXACT = "exact"
        LOW = "low"
        HIDDEN = "hidden"

    product = models.ForeignKey(Product, models.PROTECT, related_name="skus")
    code = models.CharField(max_length=40)
    options = models.JSONField(default=dict)
    """`{"size": "M", "colour": "red"}`."""
    prices = models.JSONField()
    """List prices, a price map."""
    show_stock = models.CharField(max_length=6, choices=Show, default=Show.EXACT)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["product", "code"], name="one_sku_a_code"),
            models.CheckConstraint(condition=~Q(code=""), name="a_sku_has_a_code"),
        ]

    def __str__(self) -> str:
        return self.code


class BundlePart(models.Model):
    """`qty` units of `sku` are in each `bundle`, a SKU that is counted by its parts."""

    bundle = models.ForeignKey(Sku, models.CASCADE, related_name="parts")
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="bundles")
    qty = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["bundle", "sku"], name="one_part_a_sku"),
            models.CheckConstraint(
                condition=Q(qty__gt=0) & ~Q(bundle=models.F("sku")),
                name="a_part_has_units",
            ),
        ]
