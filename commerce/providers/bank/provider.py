"""The shop's side of the bank: a client of its paths, and the reader of its news."""

from django.conf import settings

from commerce.providers.bank.signing import HEADER, secret
from commerce.providers.intents import PaymentIntents


def bank() -> PaymentIntents:
    """The bank at `SOUK_URL`/bank: this site's own, so all in its books is ours."""
    return PaymentIntents(
        base=f"{settings.SOUK_URL}/bank",
        key=secret(settings.SECRET_KEY, "api"),
        secrets=[secret(settings.SECRET_KEY, "news")],
        header=HEADER,
        site="here",
        page="/bank/pay/{}",
    )
