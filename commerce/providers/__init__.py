"""Ways to pay, by name. `free` has no provider: there is nothing to ask for."""

from collections.abc import Callable

from django.conf import settings

from commerce.errors import PAYMENT_UNAVAILABLE
from commerce.providers.bank.provider import bank
from commerce.providers.manual import Manual
from commerce.providers.protocol import Provider
from commerce.providers.stripe import UNLIKE, stripe

_MAKE: dict[str, Callable[[], Provider]] = {
    "bank": bank,
    "manual": Manual,
    "stripe": stripe,
}
NAMES = tuple(_MAKE)
"""All there are, whether or not this site has them."""
ASKED = frozenset({"bank", "stripe"})
"""Those with a world of their own: they are told, asked, and may be away."""


def enabled() -> list[str]:
    """The names a shop may offer here."""
    missing = {"bank": not settings.SOUK_BANK, "stripe": not settings.SOUK_STRIPE_KEY}
    return [name for name in NAMES if not missing.get(name)]


def takes(name: str, currency: str) -> bool:
    """Whether this way to pay is here, and counts this currency as we do."""
    return name in enabled() and not (name == "stripe" and currency in UNLIKE)


def provider(name: str) -> Provider:
    """Raises `PAYMENT_UNAVAILABLE` for one that is not enabled (any more)."""
    if name not in enabled():
        raise PAYMENT_UNAVAILABLE()
    return _MAKE[name]()
