"""The shop's side of the bank: a client of its paths, and the reader of its news."""

import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx
import msgspec
from django.conf import settings

from commerce.providers.bank.signing import HEADER, secret, verified
from commerce.providers.protocol import (
    Bill,
    Charge,
    Forged,
    Intent,
    ProviderDown,
    ProviderEvent,
)
from commerce.states import PaymentState

SECONDS = 3.0
_STATES: dict[str, PaymentState] = {
    "requires_payment": "started",
    "succeeded": "settled",
    "failed": "failed",
    "canceled": "cancelled",
}


class PaymentIntent(msgspec.Struct, frozen=True, kw_only=True):
    """The bank's own words for an attempt to pay."""

    id: str
    status: str
    amount: int
    currency: str

    @property
    def charge(self) -> Charge:
        return Charge(
            state=_STATES[self.status],
            amount=self.amount,
            currency=self.currency.upper(),
        )


class News(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a webhook."""

    id: str
    type: str
    object: PaymentIntent


@cache
def _trust() -> ssl.SSLContext:
    """Reading the machine's certificates takes longer than asking the bank."""
    return httpx.create_ssl_context()


class Bank:
    """`commerce.providers.protocol.Provider` for the bank at `SOUK_URL`/bank."""

    async def start(self, bill: Bill, key: str) -> Intent:
        form = {
            "amount": str(bill.amount),
            "currency": bill.currency.lower(),
            "description": bill.title,
            "metadata[order]": bill.order,
            "metadata[shop]": bill.shop,
        }
        intent = await self._ask("POST", "", form, key)
        return Intent(ref=intent.id, redirect=f"/bank/pay/{intent.id}")

    async def fetch(self, ref: str) -> Charge:
        return (await self._ask("GET", f"/{ref}", {}, None)).charge

    async def cancel(self, ref: str, key: str) -> Charge:
        return (await self._ask("POST", f"/{ref}/cancel", {}, key)).charge

    def event(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        key = secret(settings.SECRET_KEY, "news")
        if not verified(key, headers.get(HEADER, ""), body):
            raise Forged
        news = msgspec.json.decode(body, type=News)
        return ProviderEvent(
            id=news.id, ref=news.object.id, kind=news.type, charge=news.object.charge
        )

    async def _ask(
        self, method: str, path: str, form: Mapping[str, str], key: str | None
    ) -> PaymentIntent:
        headers = {"Authorization": f"Bearer {secret(settings.SECRET_KEY, 'api')}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        url = f"{settings.SOUK_URL}/bank/v1/payment_intents{path}"
        arguments: dict[str, Any] = {"headers": headers}
        if method == "POST":
            arguments["data"] = form
        try:
            # The bank is this site itself: no proxy stands between.
            async with httpx.AsyncClient(
                timeout=SECONDS, verify=_trust(), trust_env=False
            ) as client:
                answer = await client.request(method, url, **arguments)
            answer.raise_for_status()
            return msgspec.json.decode(answer.content, type=PaymentIntent)
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise ProviderDown(str(error)) from error
