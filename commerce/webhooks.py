"""`POST /webhooks/pay/<provider>` and `/webhooks/ship/<carrier>`: news of money and of
parcels, verified by its raw bytes.

200 is said after the commit, so whoever hears nothing sends again; an event counts
once. What is forged or unreadable is refused and not kept.
"""

import logging
from collections import Counter

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from commerce import carriers
from commerce.actions import parcels, settling
from commerce.providers import provider
from commerce.providers.protocol import Forged
from realtime.exceptions import CommandError

log = logging.getLogger(__name__)

LARGEST = 256 * 1024
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)
"""What msgspec raises for bytes that are no such JSON, or no UTF-8."""
refused: Counter[str] = Counter()
"""How often what came in a known name was no news of it, in this process."""


@csrf_exempt
@require_POST
def pay(request: HttpRequest, name: str) -> HttpResponse:
    try:
        bank = provider(name)
    except CommandError:
        return HttpResponse(status=404)
    body = _body(request)
    if body is None:
        refused[name] += 1
        return HttpResponse(status=413)
    try:
        event = bank.event(request.headers, body)
    except (Forged, *UNREADABLE) as error:
        return _refused(name, error)
    settling.received(name, event, body)
    return HttpResponse(status=200)


@csrf_exempt
@require_POST
def ship(request: HttpRequest, carrier: str) -> HttpResponse:
    if not carriers.known(carrier):
        return HttpResponse(status=404)
    body = _body(request)
    if body is None:
        refused[carrier] += 1
        return HttpResponse(status=413)
    try:
        news = carriers.news(carrier, request.headers, body)
    except (Forged, *UNREADABLE) as error:
        return _refused(carrier, error)
    parcels.received(carrier, news, body)
    return HttpResponse(status=200)


def _body(request: HttpRequest) -> bytes | None:
    """The raw bytes; None when they are too many."""
    if int(request.headers.get("Content-Length") or 0) > LARGEST:
        return None
    body = request.body
    return body if len(body) <= LARGEST else None


def _refused(name: str, error: Exception) -> HttpResponse:
    refused[name] += 1
    log.warning("news of %s refused, %s so far: %r", name, refused[name], error)
    return HttpResponse(status=400)
