"""Ways to pay, by name. `free` has no provider: there is nothing to ask for."""

from django.conf import settings

from commerce.errors import PAYMENT_UNAVAILABLE
from commerce.providers.bank.provider import Bank
from commerce.providers.protocol import Provider


def enabled() -> list[str]:
    """The names a shop may offer here."""
    return ["bank"] if settings.SOUK_BANK else []


def provider(name: str) -> Provider:
    """Raises `PAYMENT_UNAVAILABLE` for one that is not enabled (any more)."""
    if name not in enabled():
        raise PAYMENT_UNAVAILABLE()
    return Bank()
