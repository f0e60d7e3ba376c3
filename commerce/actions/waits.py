"""Waiting for units of a sold-out offer: joining the queue, leaving it, its sweeping.

Who joins does so under the locks of the offer's rows, and so does whoever gives units
back: no unit returns unseen. Neighbour: queue.py serves it.
"""

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from commerce.actions import orders
from commerce.actions.demand import demand_of
from commerce.actions.offers import audiences, read, tallies, terms
from commerce.actions.queue import (
    LOOKED_AT,
    tell_queue,
    tell_waiter,
    whose_turn,
)
from commerce.actions.stock import lock
from commerce.actions.units import come_back
from commerce.clock import DatabaseNow, now_ms
from commerce.commands.bags import JoinQueue, LeaveQueue, Waiting, WaitList, WaitView
from commerce.commands.ids import Empty
from commerce.errors import (
    CURRENCY_MISSING,
    LIMIT_REACHED,
    WRONG_STATE,
)
from commerce.grant import shown
from commerce.models import BundlePart, Offer, Product, Shop, Stock, Wait
from commerce.states import LIVE
from realtime.exceptions import CONFLICT, NOT_FOUND

HAS_A_PLACE = (Wait.State.WAITING, Wait.State.OFFERED)


def join(user: int, command: JoinQueue) -> Waiting:
    """Take a place at the end of an offer's queue; again, it is the same place.

    Raises `CONFLICT`, with `available` when what they want is there to be bought, with
    `wait` when they have another place; `OFFER_CLOSED`, `LIMIT_REACHED`,
    `CURRENCY_MISSING`, `NOT_FOUND`.
    """
    demand = demand_of([command.offer])
    if not demand.needs:
        raise NOT_FOUND()
    stocks = lock(demand.locks)
    offers, now = read([command.offer])
    offer = offers[command.offer]
    if user not in audiences([offer]).get(offer.pk, {user}):
        raise NOT_FOUND()
    terms_now = terms(offer)
    if (closed := terms_now.closed(now)) is not None:
        raise closed
    mine = Wait.objects.filter(user_id=user, offer=offer, state__in=HAS_A_PLACE)
    if (wait := mine.first()) is not None:
        if (wait.qty, wait.state) == (command.qty, Wait.State.WAITING):
            return Waiting(wait=wait.pk, ahead=_ahead(wait))
        raise CONFLICT(wait=wait.pk, state=wait.state)
    need = demand.needs[offer.pk]
    left = min(stocks[row].available // qty for row, qty in need.items())
    if command.qty <= left:
        raise CONFLICT(available=shown(left, offer.sku.show_stock))
    have = tallies([offer], [user]).get((offer.pk, user), 0)
    if offer.per_buyer is not None and have + command.qty > offer.per_buyer:
        raise LIMIT_REACHED(limit=offer.per_buyer, have=have)
    currency = command.currency or offer.sku.product.shop.currencies[0]
    if currency not in terms_now.prices:
        raise CURRENCY_MISSING(currency=currency)
    wait = Wait.objects.create(
        offer=offer, user_id=user, qty=command.qty, currency=currency, at=now
    )
    return Waiting(wait=wait.pk, ahead=_ahead(wait))


def _ahead(wait: Wait) -> int:
    """How many are served before."""
    return before(wait.offer_id, wait.pk).count()


def before(offer: int, wait: int) -> QuerySet[Wait]:
    queue = Wait.objects.filter(offer_id=offer, state=Wait.State.WAITING)
    return queue.filter(id__lt=wait)


def leave(user: int, command: LeaveQueue) -> tuple[Empty, list[int]]:
    """Give a place up; a hold that was offered is let go of, and the next is served.

    Also the stock rows that got units. Raises `WRONG_STATE` when it is being paid, or
    was.
    """
    return Empty(), _leave(user, command)


def _leave(user: int, command: LeaveQueue) -> list[int]:
    mine = Wait.objects.filter(id=command.wait, user_id=user)
    if mine.filter(state=Wait.State.WAITING).update(state=Wait.State.LEFT) == 1:
        wait = mine.get()
        tell_waiter(wait)
        tell_queue(wait.offer_id)
        return []
    found = mine.first()
    if found is None:
        raise NOT_FOUND()
    if found.order_id is None:
        return []
    order = orders.locked(found.order_id)
    if order.state in LIVE and not orders.being_paid(order):
        return orders.leave(order, "cancelled", now_ms(), by=user, reason="passed")
    if order.state in LIVE or mine.filter(state=Wait.State.BOUGHT).exists():
        raise WRONG_STATE(state=order.state)
    return []


def my_waits(user: int) -> WaitList:
    """The places a buyer has, newest first."""
    earlier = (
        Wait.objects.filter(
            offer=OuterRef("offer"), state=Wait.State.WAITING, id__lt=OuterRef("id")
        )
        .values("offer")
        .annotate(count=Count("id"))
        .values("count")
    )
    mine = Wait.objects.filter(user_id=user, state__in=HAS_A_PLACE).order_by("-id")
    rows = mine.select_related("offer__sku__product", "order").annotate(
        ahead=Coalesce(Subquery(earlier), 0)
    )
    return WaitList(
        items=[
            WaitView(
                wait=wait.pk,
                offer=wait.offer_id,
                stream=wait.offer.stream_id,
                title=wait.offer.sku.product.title,
                qty=wait.qty,
                state=wait.state,
                ahead=wait.ahead if wait.state == Wait.State.WAITING else 0,
                order=str(wait.order_id) if wait.order_id else None,
                expires_at=wait.order.expires_at if wait.order else None,
            )
            for wait in rows[:100]
        ]
    )


def end_closed(limit: int = 200) -> None:
    """Queues of what is sold no more: off the shelf, over, delisted, shop closed."""
    over = Q(offer__state=Offer.State.CLOSED) | Q(offer__ends_at__lte=DatabaseNow())
    gone = ~Q(offer__sku__product__state=Product.State.LISTED)
    shut = ~Q(offer__sku__product__shop__state=Shop.State.OPEN)
    due = Wait.objects.filter(over | gone | shut, state=Wait.State.WAITING)
    due = due.order_by("id")
    ids = list(due.values_list("id", flat=True)[:limit])
    if not ids:
        return
    with transaction.atomic(durable=True):
        waits = Wait.objects.filter(id__in=ids, state=Wait.State.WAITING)
        for wait in waits.order_by("id").select_for_update(no_key=True):
            wait.state = Wait.State.PASSED
            wait.save(update_fields=["state"])
            tell_waiter(wait)


def serve_again(limit: int = LOOKED_AT) -> list[int]:
    """Serve whoever waits although there are units; the rows that have less by it.

    So were passed over: a waiter who had too many holds then, and those for a bundle
    of which another row was locked. Looked for without locks; one transaction each.
    """
    touched: set[int] = set()
    for offer in _served_late(limit):
        demand = demand_of([offer])
        with transaction.atomic(durable=True):
            stocks = lock(demand.locks)
            before = {row: stock.available for row, stock in stocks.items()}
            come_back(stocks, {}, now_ms())
            touched |= {
                row for row, had in before.items() if stocks[row].available != had
            }
    return sorted(touched)


def _served_late(limit: int) -> list[int]:
    """Offers with a waiter whose turn it would be now.

    Only of those for whom there is enough, of what is on sale: long queues that nobody
    can serve would fill the `limit`, and keep all others from being looked at.
    """
    parts = BundlePart.objects.filter(bundle=OuterRef("offer__sku"))
    short = parts.filter(
        sku__stocks__kind=Stock.Kind.MAIN,
        sku__stocks__available__lt=F("qty") * OuterRef("qty"),
    )
    enough = Q(offer__stock__available__gte=F("qty")) | Exists(parts) & ~Exists(short)
    due = Wait.objects.filter(
        enough,
        state=Wait.State.WAITING,
        offer__state=Offer.State.OPEN,
        offer__sku__product__state=Product.State.LISTED,
        offer__sku__product__shop__state=Shop.State.OPEN,
    )
    late = list(due.order_by("id")[:limit])
    if not late:
        return []
    demand = demand_of(wait.offer_id for wait in late)
    rows = Stock.objects.filter(id__in=demand.locks)
    available = dict(rows.values_list("id", "available"))
    turns = whose_turn(late, demand, available)
    return sorted({turn.wait.offer_id for turn in turns.won})
