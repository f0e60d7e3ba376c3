"""The bank over HTTP: its paths for shops, and the page where a buyer pays."""

import hmac
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from commerce.money import LARGEST, plain
from commerce.providers.bank import ledger, news
from commerce.providers.bank.signing import secret

View = Callable[..., HttpResponse]


def _for_shops(view: View) -> View:
    """Only those who know the bank's API key, which is made from the house's."""

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, **arguments: str) -> HttpResponse:
        expected = f"Bearer {secret(settings.SECRET_KEY, 'api')}"
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), expected.encode()):
            return JsonResponse({"error": "unauthorized"}, status=401)
        return view(request, **arguments)

    return guarded


def _intent(entry: ledger.Entry | None) -> JsonResponse:
    if entry is None:
        return JsonResponse({"error": "resource_missing"}, status=404)
    return JsonResponse(news.intent_json(entry))


@_for_shops
@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """`POST /bank/v1/payment_intents` with an Idempotency-Key."""
    form, key = request.POST, request.headers.get("Idempotency-Key", "")
    amount = form.get("amount", "")
    if not key or not amount.isdecimal() or not 0 < int(amount) <= LARGEST:
        return JsonResponse({"error": "invalid_request_error"}, status=400)
    try:
        return _intent(
            ledger.create(
                key,
                int(amount),
                form.get("currency", ""),
                form.get("description", ""),
                form.get("metadata[shop]", ""),
                form.get("metadata[order]", ""),
            )
        )
    except ledger.KeyTaken:
        return JsonResponse({"error": "idempotency_error"}, status=400)


@_for_shops
@require_GET
def fetch(request: HttpRequest, ref: str) -> HttpResponse:
    return _intent(ledger.get(ref))


@_for_shops
@require_POST
def cancel(request: HttpRequest, ref: str) -> HttpResponse:
    """End an intent; one that was paid stays paid, and is answered as it is."""
    moved = ledger.move(ref, "canceled")
    return _intent(None if moved is None else moved[0])


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
        {"entry": entry, "amount": plain(entry.amount, entry.currency.upper())},
    )
