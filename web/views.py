"""The pages. Each works as a document; its components bring it to life."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from commerce.models import Shop
from streams.models import Stream
from streams.roles import can_direct, can_watch

SHOWN = 60
"""At most so many rooms on the first page; the component asks for more."""


@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    streams = Stream.objects.public().live().select_related("host")
    return render(
        request, "web/home.html", {"streams": streams.order_by("-viewers")[:SHOWN]}
    )


@require_safe
@ensure_csrf_cookie
def room(request: HttpRequest, stream: int) -> HttpResponse:
    """404 where one may not watch: that it exists is not shown."""
    found = get_object_or_404(Stream.objects.select_related("host"), pk=stream)
    if not can_watch(request.user.pk, found):
        raise Http404
    return render(request, "web/room.html", {"stream": found})


@require_safe
@login_required
def studio(request: HttpRequest) -> HttpResponse:
    return render(request, "web/studio.html", {"shop": shop_of(request.user.pk)})


@require_safe
@login_required
def studio_room(request: HttpRequest, stream: int) -> HttpResponse:
    found = get_object_or_404(Stream, pk=stream)
    if not can_direct(request.user.pk, found):
        raise Http404
    shop = shop_of(found.host_id)
    return render(request, "web/studio_room.html", {"stream": found, "shop": shop})


def shop_of(user: int | None) -> int:
    """The shop of an account, 0 if it has none."""
    return Shop.objects.filter(account=user).values_list("pk", flat=True).first() or 0


@require_safe
@login_required
def inbox(request: HttpRequest, conversation: int | None = None) -> HttpResponse:
    return render(request, "web/inbox.html", {"conversation": conversation})


@require_safe
@login_required
def orders(request: HttpRequest) -> HttpResponse:
    return render(request, "web/orders.html")


@require_safe
@login_required
def order(request: HttpRequest, order: str) -> HttpResponse:
    return render(request, "web/order.html", {"order": order})
