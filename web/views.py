"""The pages. Each works as a document; its components bring it to life."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from commerce.actions.catalog import STAFF, serves
from commerce.models import AfterSale, Order, Refund, Shop
from commerce.providers import enabled
from commerce.states import AFTER_SALES_OPEN
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
    ways = " ".join(name for name in enabled() if name != "free")
    shop = shop_of(request.user.pk)
    helped = Shop.objects.filter(members__user=request.user.pk, members__role__in=STAFF)
    context = {"shop": shop, "ways": ways, "helped": helped.exclude(pk=shop)}
    return render(request, "web/studio.html", context)


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


@require_safe
@login_required
def bag(request: HttpRequest) -> HttpResponse:
    return render(request, "web/bag.html")


def _served(request: HttpRequest, shop: int) -> Shop:
    """A shop for its staff; to others there is none."""
    found = get_object_or_404(Shop, pk=shop)
    if not serves(shop, request.user.pk, STAFF):
        raise Http404
    return found


@require_safe
@login_required
def shop_orders(
    request: HttpRequest, shop: int, order: UUID | None = None
) -> HttpResponse:
    """The desk; the component shows `order` beside the list."""
    context = {"shop": _served(request, shop), "order": order or ""}
    return render(request, "web/desk.html", context)


@require_safe
@login_required
@never_cache
def shop_counts(request: HttpRequest, shop: int) -> HttpResponse:
    """What the desk has to know to be true: how many orders by state, which have an
    open after-sale (the most urgent first), and `newest`, which is another one
    whenever something of them has changed.
    """
    _served(request, shop)
    orders = Order.objects.filter(shop=shop)
    states = {
        state: (count, versions)
        for state, count, versions in orders.values_list("state")
        .annotate(Count("pk"), Sum("version"))
        .order_by("state")
    }
    wishes = AfterSale.objects.filter(order__shop=shop)
    open_ones = wishes.filter(state__in=AFTER_SALES_OPEN).order_by("due_at", "id")
    asked = open_ones.values_list("order", flat=True)[:SHOWN]
    given = Refund.objects.filter(order__shop=shop, state="done").count()
    stamps = (
        sum(count for count, _ in states.values()),
        sum(versions for _, versions in states.values()),
        wishes.aggregate(versions=Sum("version"), count=Count("pk")),
        given,
    )
    return JsonResponse(
        {
            "states": {state: count for state, (count, _) in states.items()},
            "aftersales": [str(ident) for ident in asked],
            "newest": str(stamps),
        }
    )
