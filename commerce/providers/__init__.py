"""Ways to pay, by name. `free` has no provider: there is nothing to ask for."""

from django.conf import settings

from commerce.errors import PAYMENT_UNAVAILABLE
from commerce.providers.bank.provider import bank
from commerce.providers.manual import Manual
from commerce.providers.protocol import Provider

NAMES = ("bank", "manual")
"""All there are, whether or not this site has them."""


def enabled() -> list[str]:
    """The names a shop may offer here."""
    here = {"bank": settings.SOUK_BANK, "manual": True}
    return [name for name in NAMES if here[name]]


def provider(name: str) -> Provider:
    """Raises `PAYMENT_UNAVAILABLE` for one that is not enabled (any more)."""
    if name not in enabled():
        raise PAYMENT_UNAVAILABLE()
    return bank() if name == "bank" else Manual()
