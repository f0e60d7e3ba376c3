"""A client of payment intents: the calls Stripe has and our bank speaks as well.

One client for both, so the one that the tests torture is the one that takes money.
Paths and fields as in docs.stripe.com/api, version `VERSION`.
"""

import asyncio
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cache
from typing import Annotated, TypeVar

import httpx
import msgspec

from commerce.commands.ids import NO_NUL
from commerce.providers.protocol import (
    Bill,
    Charge,
    Declined,
    Forged,
    Intent,
    Past,
    PastRefund,
    Payback,
    ProviderDown,
    ProviderEvent,
)
from commerce.providers.signing import verified
from commerce.states import PaymentState

SECONDS = 3.0
VERSION = "2024-06-20"
PAGE = 100

_STATES: dict[str, PaymentState] = {
    # A declined card may be tried again on the same intent: it stays open.
    "requires_payment_method": "started",
    "requires_confirmation": "started",
    "requires_action": "started",
    "requires_capture": "started",
    "processing": "processing",
    "succeeded": "settled",
    "canceled": "cancelled",
    # The bank's own word: declined, and over.
    "failed": "failed",
}
_TEMPORARY = {401, 403, 408, 409, 425, 429}
"""Answers that say nothing of the request: a wrong key, a twin under way, a limit."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=NO_NUL)]
"""What the provider calls something: as long as our column is."""

T = TypeVar("T")
T_row = TypeVar("T_row", "PaymentIntent", "RefundObject")


class PaymentIntent(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to pay, in the provider's words."""

    id: Name
    status: str
    amount: int
    currency: str
    amount_received: int | None = None
    client_secret: str | None = None
    metadata: dict[str, str] = {}

    @property
    def charge(self) -> Charge:
        state = _STATES.get(self.status, "started")
        took = self.amount if self.amount_received is None else self.amount_received
        return Charge(
            state=state,
            amount=took if state == "settled" else self.amount,
            currency=self.currency.upper(),
        )


class RefundObject(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way back, in the provider's words."""

    id: Name
    status: str | None
    amount: int
    payment_intent: str | None = None
    metadata: dict[str, str] = {}

    @property
    def payback(self) -> Payback:
        if self.status == "succeeded":
            return Payback(self.id, "done")
        lost = self.status in ("failed", "canceled")
        return Payback(self.id, "failed" if lost else "sent")


class _Page(msgspec.Struct, frozen=True):
    data: list[msgspec.Raw]
    has_more: bool = False


class _Object(msgspec.Struct, frozen=True):
    object: str
    payment_intent: Name | None = None


class _Data(msgspec.Struct, frozen=True):
    object: msgspec.Raw


class _News(msgspec.Struct, frozen=True):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=NO_NUL)]
    type: Annotated[str, msgspec.Meta(pattern=NO_NUL)]
    data: _Data


@cache
def _trust() -> ssl.SSLContext:
    """Reading the machine's certificates takes longer than asking the bank."""
    return httpx.create_ssl_context()


class PaymentIntents:
    """`commerce.providers.protocol.Provider` for whoever speaks payment intents.

    `site` marks what is ours in books that others may write in too; `page` is where
    the buyer pays, with `{}` for the intent, else the client secret is told.
    """

    def __init__(
        self,
        *,
        base: str,
        key: str,
        secrets: Sequence[str],
        header: str,
        site: str,
        page: str | None = None,
    ) -> None:
        self._base = base
        self._key = key
        self._secrets = secrets
        self._header = header
        self._site = site
        self._page = page

    async def start(self, bill: Bill, key: str) -> Intent:
        form = {
            "amount": str(bill.amount),
            "currency": bill.currency.lower(),
            "description": bill.title,
            "automatic_payment_methods[enabled]": "true",
            "metadata[key]": key,
            "metadata[site]": self._site,
            "metadata[order]": bill.order,
            "metadata[shop]": bill.shop,
        }
        path = "/v1/payment_intents"
        intent = await self._ask(PaymentIntent, "POST", path, form, key)
        page = self._page.format(intent.id) if self._page else None
        return Intent(ref=intent.id, redirect=page)

    async def secret(self, ref: str) -> str | None:
        if self._page:
            return None
        path = f"/v1/payment_intents/{ref}"
        return (await self._sure(PaymentIntent, "GET", path)).client_secret

    async def fetch(self, ref: str) -> Charge:
        path = f"/v1/payment_intents/{ref}"
        return (await self._sure(PaymentIntent, "GET", path)).charge

    async def cancel(self, ref: str, key: str) -> Charge:
        path = f"/v1/payment_intents/{ref}/cancel"
        try:
            return (await self._ask(PaymentIntent, "POST", path, {}, key)).charge
        except Declined:
            return await self.fetch(ref)

    async def refund(self, ref: str, amount: int, key: str, reason: str) -> Payback:
        # Keys are forgotten (by Stripe after a day or more), the books are not.
        async for made in self._all("/v1/refunds", RefundObject, payment_intent=ref):
            if made.metadata.get("key") == key:
                return made.payback
        form = {
            "payment_intent": ref,
            "amount": str(amount),
            "metadata[key]": key,
            "metadata[reason]": reason,
        }
        return (await self._ask(RefundObject, "POST", "/v1/refunds", form, key)).payback

    async def history(self, since: int) -> AsyncIterator[Past]:
        backs: dict[str, list[PastRefund]] = defaultdict(list)
        after = {"created[gte]": str(since)}
        async for made in self._all("/v1/refunds", RefundObject, **after):
            backs[made.payment_intent or ""].append(_past_refund(made))
        path = "/v1/payment_intents"
        async for intent in self._all(path, PaymentIntent, **after):
            if (past := self._past(intent, backs.pop(intent.id, []))) is not None:
                yield past
        for ref, made_later in backs.items():
            intent = await self._sure(PaymentIntent, "GET", f"{path}/{ref}")
            if (past := self._past(intent, made_later)) is not None:
                yield past

    def _past(self, intent: PaymentIntent, backs: list[PastRefund]) -> Past | None:
        if intent.metadata.get("site") != self._site:
            return None
        key = intent.metadata.get("key", "")
        return Past(ref=intent.id, key=key, charge=intent.charge, refunds=backs)

    def event(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        header = headers.get(self._header, "")
        if not verified(self._secrets, header, body, time.time()):
            raise Forged
        news = msgspec.json.decode(body, type=_News)
        told = msgspec.json.decode(news.data.object, type=_Object)
        charge, ref = None, told.payment_intent or ""
        if told.object == "payment_intent":
            intent = msgspec.json.decode(news.data.object, type=PaymentIntent)
            charge, ref = intent.charge, intent.id
        return ProviderEvent(id=news.id, ref=ref, kind=news.type[:40], charge=charge)

    async def _all(
        self, path: str, type: type[T_row], **query: str
    ) -> AsyncIterator[T_row]:
        """Every row of a list, page by page."""
        query["limit"] = str(PAGE)
        while True:
            page = await self._sure(_Page, "GET", path, query)
            for raw in page.data:
                try:
                    row = msgspec.json.decode(raw, type=type)
                except msgspec.MsgspecError as error:
                    raise ProviderDown(f"GET {path}: {error!r}") from error
                yield row
            if not page.has_more or not page.data:
                return
            query["starting_after"] = row.id

    async def _sure(
        self,
        type: type[T],
        method: str,
        path: str,
        form: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> T:
        """`_ask` where a refusal can only be our own mistake."""
        try:
            return await self._ask(type, method, path, form or {}, key)
        except Declined as error:
            raise ProviderDown(str(error)) from error

    async def _ask(
        self,
        type: type[T],
        method: str,
        path: str,
        form: Mapping[str, str],
        key: str | None,
    ) -> T:
        headers = {"Authorization": f"Bearer {self._key}", "Stripe-Version": VERSION}
        if key is not None:
            headers["Idempotency-Key"] = key
        try:
            # Proxies of the environment are for others: the bank is this site itself.
            async with (
                asyncio.timeout(SECONDS),
                httpx.AsyncClient(verify=_trust(), trust_env=False) as client,
            ):
                answer = await client.request(
                    method,
                    self._base + path,
                    headers=headers,
                    params=form if method == "GET" else None,
                    data=form if method == "POST" else None,
                )
            status = answer.status_code
            if 400 <= status < 500 and not _says_nothing(answer):
                raise Declined(f"{method} {path}: {status} {answer.text[:200]}")
            answer.raise_for_status()
            return msgspec.json.decode(answer.content, type=type)
        except (
            TimeoutError,
            httpx.HTTPError,
            msgspec.MsgspecError,
            UnicodeDecodeError,
        ) as error:
            raise ProviderDown(f"{method} {path}: {error!r}") from error


def _says_nothing(answer: httpx.Response) -> bool:
    """Whether a refusal is not of what was asked for: then asking again may help.

    A key that stands for another body (a shop has another name by now) is a trace of
    something done, not a word on it.
    """
    return answer.status_code in _TEMPORARY or "idempotency_error" in answer.text[:1000]


def _past_refund(made: RefundObject) -> PastRefund:
    return PastRefund(
        payback=made.payback,
        amount=made.amount,
        key=made.metadata.get("key", ""),
        reason=made.metadata.get("reason", ""),
    )
