"""`POST /webhooks/pay/<provider>`: news of money, verified by its raw bytes.

200 is said after the commit, so whoever hears nothing sends again; an event counts
once. What is forged or unreadable is refused and not kept.
"""

import logging

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from commerce.actions import settling
from commerce.providers import provider
from commerce.providers.protocol import Forged
from realtime.exceptions import CommandError

log = logging.getLogger(__name__)

LARGEST = 256 * 1024


@csrf_exempt
@require_POST
def pay(request: HttpRequest, name: str) -> HttpResponse:
    if int(request.headers.get("Content-Length") or 0) > LARGEST:
        return HttpResponse(status=413)
    try:
        bank = provider(name)
    except CommandError:
        return HttpResponse(status=404)
    body = request.body
    if len(body) > LARGEST:
        return HttpResponse(status=413)
    try:
        event = bank.event(request.headers, body)
    except (Forged, msgspec.MsgspecError, KeyError) as error:
        log.warning("news in the name of %s refused: %r", name, error)
        return HttpResponse(status=400)
    settling.received(name, event, body)
    return HttpResponse(status=200)
