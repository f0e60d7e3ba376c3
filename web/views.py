"""The pages. Each works as a document; its components bring it to life."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe


@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "web/home.html")


@require_safe
@ensure_csrf_cookie
def room(request: HttpRequest, stream: int) -> HttpResponse:
    return render(request, "web/room.html", {"stream_id": stream})


@require_safe
@login_required
def studio(request: HttpRequest) -> HttpResponse:
    return render(request, "web/studio.html")


@require_safe
@login_required
def studio_room(request: HttpRequest, stream: int) -> HttpResponse:
    return render(request, "web/studio_room.html", {"stream_id": stream})


@require_safe
@login_required
def inbox(request: HttpRequest, conversation: int | None = None) -> HttpResponse:
    return render(request, "web/inbox.html", {"conversation_id": conversation})


@require_safe
@login_required
def orders(request: HttpRequest) -> HttpResponse:
    return render(request, "web/orders.html")


@require_safe
@login_required
def order(request: HttpRequest, order: str) -> HttpResponse:
    return render(request, "web/order.html", {"order_id": order})
