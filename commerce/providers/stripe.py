"""Stripe, by its payment intents: the buyer's card form is Stripe's own.

`order.pay` answers a `client_secret` for Stripe's form (Payment Element). It was
exercised against our local bank, which speaks the calls used here, and never with
money: docs/decisions/0011-stripe-without-its-library.md.
"""

from django.conf import settings

from commerce.providers.intents import PaymentIntents

HEADER = "Stripe-Signature"
UNLIKE = frozenset({"CLF", "IQD", "ISK", "LYD", "MGA", "UGX", "UYI", "UYW"})
"""Currencies that Stripe does not have, or counts in other minor units than ISO 4217
(docs.stripe.com/currencies, "special cases")."""


def stripe() -> PaymentIntents:
    """The account of `SOUK_STRIPE_KEY`; of its books, what this site wrote."""
    return PaymentIntents(
        base=settings.SOUK_STRIPE_API,
        key=settings.SOUK_STRIPE_KEY,
        secrets=settings.SOUK_STRIPE_WEBHOOK_SECRETS,
        header=HEADER,
        site=settings.SOUK_URL,
    )
