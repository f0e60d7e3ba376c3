"""What a room hears of its sales, and what its host sees of them."""

from collections import defaultdict
from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import QuerySet, Sum

from accounts.models import User
from commerce.actions.catalog import STAFF
from commerce.actions.parts import levels
from commerce.clock import now_ms
from commerce.commands.insights import Figures, ItemFigures, StreamInsight
from commerce.events import SaleAnnounced
from commerce.models import Offer, Order, OrderLine, ShelfItem, ShopMember
from commerce.money import add
from commerce.states import LIVE, SOLD
from realtime import publish_on_commit
from realtime.exceptions import NOT_FOUND, PERMISSION_DENIED
from streams.models import Stream
from streams.roles import can_direct, can_watch

NAMES = 3


def announce(limit: int = 200) -> None:
    """Tell the rooms of paid orders, once: marked in the transaction that tells."""
    waiting = Order.objects.filter(
        paid_at__isnull=False, stream__isnull=False, announced_at=None
    ).order_by("paid_at")
    if not waiting.exists():
        return
    with transaction.atomic(durable=True):
        if connection.features.has_select_for_update_skip_locked:
            waiting = waiting.select_for_update(skip_locked=True, no_key=True)
        orders = list(waiting[:limit])
        Order.objects.filter(id__in=[order.pk for order in orders]).update(
            announced_at=now_ms()
        )
        # A bundle is one thing sold, whatever is in it.
        lines = OrderLine.objects.filter(order__in=orders, parent=None)
        lines = lines.order_by("order__paid_at", "id")
        items: dict[tuple[int, int], list[OrderLine]] = defaultdict(list)
        for line in lines.select_related("offer__item", "order__buyer"):
            items[line.offer.stream_id, line.offer.item.number].append(line)
        for (stream, number), sold in items.items():
            _tell(stream, number, sold)


def _tell(stream: int, number: int, lines: Sequence[OrderLine]) -> None:
    sales = _sales().filter(offer__stream_id=stream, offer__item__number=number)
    sold = sales.filter(order__state__in=SOLD).aggregate(units=Sum("qty"))["units"]
    names = [masked(line.order.buyer) for line in lines]
    publish_on_commit(
        f"deals:{stream}",
        SaleAnnounced(
            number=number,
            names=list(dict.fromkeys(names))[:NAMES],
            count=len(lines),
            sold=sold or 0,
        ),
    )


def _sales() -> QuerySet[OrderLine]:
    """Lines of orders that were placed in a show: of an exchange there is none, and a
    bundle is one thing sold, whatever is in it.
    """
    return OrderLine.objects.filter(parent=None, order__stream__isnull=False)


def masked(user: User) -> str:
    """The name as strangers may read it: `小*` unless its owner shows it whole."""
    name = str(user)
    return f"{name[:1]}*" if user.masked_name else name


def stream_insight(user: int, stream_id: int) -> StreamInsight:
    """What sells in a show, read now. For its host, assistants, and shops on its shelf.

    Staff of a shop see the whole show's figures only if they direct it; else those of
    their own items.
    """
    stream = Stream.objects.filter(id=stream_id).first()
    if stream is None:
        raise NOT_FOUND()
    items = ShelfItem.objects.filter(stream=stream).order_by("number")
    if not can_direct(user, stream):
        mine = ShopMember.objects.filter(user_id=user, role__in=STAFF)
        items = items.filter(product__shop__in=mine.values("shop"))
        if not items.exists():
            raise PERMISSION_DENIED() if can_watch(user, stream) else NOT_FOUND()
    rows = list(items.select_related("product"))
    lines = _sales().filter(offer__item__in=rows)
    paid = list(
        lines.filter(order__state__in=SOLD).values_list(
            "offer__item", "order__currency", "order", "qty", "price"
        )
    )
    holders = lines.filter(order__state__in=LIVE | SOLD)
    left = _left(rows)
    return StreamInsight(
        figures=Figures(
            orders=len({order for _, _, order, _, _ in paid}),
            units=sum(qty for _, _, _, qty, _ in paid),
            gmv=add((currency, qty * price) for _, currency, _, qty, price in paid),
            holders=holders.values("order__buyer").distinct().count(),
        ),
        items=[
            ItemFigures(
                number=item.number,
                title=item.product.title,
                sold=sum(qty for of, _, _, qty, _ in paid if of == item.pk),
                left=left.get(item.pk, 0),
                gmv=add((cur, q * p) for of, cur, _, q, p in paid if of == item.pk),
            )
            for item in rows
        ],
    )


def _left(items: Sequence[ShelfItem]) -> dict[int, int]:
    """Units left of each item's product, its variants on offer together."""
    offers = Offer.objects.filter(item__in=items).select_related("stock")
    level = levels(offer.stock for offer in offers)
    left: dict[int, int] = defaultdict(int)
    for item, stock in sorted({(offer.item_id, offer.stock_id) for offer in offers}):
        left[item] += level[stock].available
    return left
