"""The bank over HTTP: its paths for shops, the page where a buyer pays, its dial."""

import asyncio
import hmac
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import msgspec
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from commerce.money import LARGEST, plain
from commerce.providers.bank import dial, ledger, news
from commerce.providers.bank.signing import secret

View = Callable[..., HttpResponse]
AsyncView = Callable[..., Coroutine[Any, Any, HttpResponse]]


def _for_shops(**views: View) -> AsyncView:
    """A view a method, for those who know the bank's API key, made from the house's.

    Here the dial makes calls fail, or be done without an answer.
    """

    async def guarded(request: HttpRequest, **arguments: str) -> HttpResponse:
        expected = f"Bearer {secret(settings.SECRET_KEY, 'api')}"
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), expected.encode()):
            return _error(401, "unauthorized")
        view = views.get(request.method or "")
        if view is None:
            return HttpResponse(status=405)
        answer, wait_ms = await sync_to_async(_behaving, thread_sensitive=False)(
            view, request, arguments
        )
        if wait_ms:
            await asyncio.sleep(wait_ms / 1000)
        return answer

    return csrf_exempt(guarded)


def _behaving(
    view: View, request: HttpRequest, arguments: dict[str, str]
) -> tuple[HttpResponse, int]:
    """The answer, and after how many ms it goes out."""
    now = dial.read()
    if dial.chance(now.error):
        return _error(500, "api_error"), 0
    answer = view(request, **arguments)
    if request.method == "POST" and dial.chance(now.cut):
        return _error(504, "nobody waits any more"), now.cut_ms
    return answer, 0


def _error(status: int, code: str) -> JsonResponse:
    return JsonResponse({"error": {"code": code}}, status=status)


def _intent(entry: ledger.Entry | None) -> JsonResponse:
    if entry is None:
        return _error(404, "resource_missing")
    return JsonResponse(news.intent_json(entry))


def _create(request: HttpRequest) -> HttpResponse:
    form, key = request.POST, request.headers.get("Idempotency-Key", "")
    amount = form.get("amount", "")
    if not key or not amount.isdecimal() or not 0 < int(amount) <= LARGEST:
        return _error(400, "parameter_invalid")
    now = dial.read()
    if now.decline and not ledger.knows(key):
        return _error(402, "card_declined")
    try:
        entry = ledger.create(
            key,
            int(amount),
            form.get("currency", ""),
            form.get("description", ""),
            form.get("metadata[shop]", ""),
            form.get("metadata[order]", ""),
            form.get("metadata[site]", ""),
        )
    except ledger.KeyTaken:
        return _error(400, "idempotency_error")
    if now.charge:
        moved = ledger.move(entry.id, "succeeded")
        entry = entry if moved is None else moved[0]
        news.tell(entry.id)
    return _intent(entry)


def _fetch(request: HttpRequest, ref: str) -> HttpResponse:
    return _intent(ledger.get(ref))


def _cancel(request: HttpRequest, ref: str) -> HttpResponse:
    """End an intent; one that was paid stays paid, and says so."""
    moved = ledger.move(ref, "canceled")
    if moved is not None and moved[0].status != "canceled":
        return _error(400, "payment_intent_unexpected_state")
    return _intent(None if moved is None else moved[0])


def _refund(request: HttpRequest) -> HttpResponse:
    form, key = request.POST, request.headers.get("Idempotency-Key", "")
    ref, amount = form.get("payment_intent", ""), form.get("amount", "")
    if not key or not amount.isdecimal():
        return _error(400, "parameter_invalid")
    status = "pending" if dial.read().pending else "succeeded"
    reason = form.get("metadata[reason]", "")
    try:
        made = ledger.refund(key, ref, int(amount), reason, status)
    except ledger.KeyTaken:
        return _error(400, "idempotency_error")
    except ledger.TooMuch:
        return _error(400, "charge_already_refunded")
    return JsonResponse(news.refund_json(made))


def _refunds(request: HttpRequest) -> HttpResponse:
    ref = request.GET.get("payment_intent", "")
    if not dial.read().pending:
        ledger.end_refunds(ref)
    rows = ledger.refunds(ref)
    return _page(request, [news.refund_json(row) for row in rows])


def _intents(request: HttpRequest) -> HttpResponse:
    rows = ledger.intents()
    return _page(request, [news.intent_json(row) for row in rows])


def _page(request: HttpRequest, rows: list[dict[str, object]]) -> HttpResponse:
    """`limit` rows, those after `starting_after`, made since `created[gte]`."""
    asked, url = request.GET, request.path.removeprefix("/bank")
    since, limit = (asked.get(name, "") for name in ("created[gte]", "limit"))
    if since.isdecimal():
        rows = [row for row in rows if int(str(row["created"])) >= int(since)]
    if after := asked.get("starting_after"):
        places = [n for n, row in enumerate(rows) if row["id"] == after]
        if not places:
            return _error(400, "resource_missing")
        rows = rows[places[0] + 1 :]
    size = min(int(limit), 100) if limit.isdecimal() else 10
    more = len(rows) > size
    return JsonResponse(
        {"object": "list", "url": url, "data": rows[:size], "has_more": more}
    )


intents = _for_shops(POST=_create, GET=_intents)
"""`/bank/v1/payment_intents`: create with an Idempotency-Key; list, newest first."""
fetch = _for_shops(GET=_fetch)
cancel = _for_shops(POST=_cancel)
refunds = _for_shops(POST=_refund, GET=_refunds)


@never_cache
def pay(request: HttpRequest, ref: str) -> HttpResponse:
    """`/bank/pay/<ref>`: the buyer reads what it is for, and pays or declines."""
    entry = ledger.get(ref)
    if entry is None:
        return render(request, "bank/gone.html", status=404)
    if request.method == "POST":
        paid = request.POST.get("do") == "pay"
        ledger.move(ref, "succeeded" if paid else "failed")
        news.tell(ref)
        return redirect(f"/orders/{entry.shop_order}")
    return render(
        request,
        "bank/pay.html",
        {
            "entry": entry,
            "amount": plain(entry.amount, entry.currency.upper()),
            "dial": dial.read() if settings.DEBUG else None,
        },
    )


def _development(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if not settings.DEBUG:
            raise Http404
        return view(request)

    return never_cache(guarded)


@_development
def turn_dial(request: HttpRequest) -> HttpResponse:
    """`/bank/dial`, in development only: read it, or set it by a form's fields.

    What a form leaves out is at rest; `back` is where it goes then, on this site.
    """
    if request.method != "POST":
        return JsonResponse(msgspec.to_builtins(dial.read()))
    form = request.POST
    given = {name: form.get(name, "") for name in dial.Dial.__struct_fields__}
    fields = {name: value for name, value in given.items() if value}
    try:
        dial.turn(msgspec.convert(fields, dial.Dial, strict=False))
    except msgspec.ValidationError as error:
        return _error(400, str(error))
    back = form.get("back", "")
    if back.startswith("/bank/pay/"):
        return redirect(back)
    return JsonResponse(msgspec.to_builtins(dial.read()))
