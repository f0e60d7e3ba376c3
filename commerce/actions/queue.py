"""Units that come back go first to who waits for them: a hold, in the same transaction.

Called by units.py under the locks of the stock rows, before `available` rises: so
nobody can take in between what a waiter was promised. Neighbour: waits.py, where buyers
join and leave.
"""

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b

from django.db import connection
from msgspec import Struct

from commerce.actions.demand import Demand, GoodsOf, demand_of, goods_of, pieces_of
from commerce.actions.holding import Hold, Origin, write
from commerce.actions.offers import audiences, live_holds, read, tallies, terms
from commerce.actions.plain import known
from commerce.bag_grant import grant_bags
from commerce.commands.orders import OrderHeld
from commerce.events import OrderChanged, WaitChanged, WaitOffered
from commerce.grant import Ask, Won
from commerce.models import Offer, Order, Stock, Wait
from realtime import publish_on_commit

HOLD_MS = 120_000
"""Of a waiter's hold."""
LOOKED_AT = 200
"""Waiters are looked at when units come back, the first before the others."""
TOLD = 10
"""So many at the head of a queue are told when it moves; others ask."""


class Turn(Struct, frozen=True):
    """A waiter who may have what they wait for, at this price."""

    wait: Wait
    ask: Ask
    price: Won


class Turns(Struct, frozen=True):
    """Whose turn it is, what they take of each row, and the offers it is of."""

    won: list[Turn]
    taken: Counter[int]
    offers: Mapping[int, Offer]


def serve(stocks: dict[int, Stock], units: Mapping[int, int], now: int) -> Counter[int]:
    """Give locked rows, with `units` on top, to who waits; what was given, by row.

    Whoever does not fit, is at their limit or has too many holds is passed over, and
    stays where they are. Rows that a bundle takes from besides are locked if that needs
    no waiting, and added to `stocks`; else its waiters are left to the sweeper.
    """
    waiting = list(_waiting(stocks))
    if not waiting:
        return Counter()
    demand = demand_of(wait.offer_id for wait in waiting)
    _lock_more(stocks, demand.locks)
    available = {
        row: stock.available + units.get(row, 0) for row, stock in stocks.items()
    }
    while waiting:
        turns = whose_turn(waiting, demand, available)
        gone = _gone([turn.wait for turn in turns.won])
        if not gone:
            _offer(turns, demand, now)
            return turns.taken
        waiting = [wait for wait in waiting if wait.pk not in gone]
    return Counter()


def _waiting(rows: Collection[int]) -> Iterable[Wait]:
    offers = Offer.objects.drawing_on(rows).values("id")
    waiting = Wait.objects.filter(offer__in=offers, state=Wait.State.WAITING)
    return waiting.order_by("id")[:LOOKED_AT]


def _lock_more(stocks: dict[int, Stock], rows: Collection[int]) -> None:
    """Lock rows beside those we have: not in the order of ids, so without waiting."""
    missing = set(rows) - set(stocks)
    if not missing:
        return
    found = Stock.objects.filter(id__in=missing)
    if connection.features.has_select_for_update_skip_locked:
        found = found.select_for_update(no_key=True, skip_locked=True)
    stocks.update({stock.pk: stock for stock in found})


def _gone(waits: Sequence[Wait]) -> set[int]:
    """Who left the queue since it was read. The others are locked."""
    ids = {wait.pk for wait in waits}
    still = Wait.objects.filter(id__in=ids, state=Wait.State.WAITING).order_by("id")
    locked = still.select_for_update(no_key=True).values_list("id", flat=True)
    return ids - set(locked)


def whose_turn(
    waiting: Sequence[Wait], demand: Demand, available: Mapping[int, int]
) -> Turns:
    """Who of the queue, in its order, may have units of these rows. Only reads."""
    offers, now = read(wait.offer_id for wait in waiting)
    guests = audiences(offers.values())
    buyers = {wait.user_id for wait in waiting}
    mine = [
        wait
        for wait in waiting
        if wait.user_id in guests.get(wait.offer_id, {wait.user_id})
        and _rows(offers[wait.offer_id], demand) <= set(available)
    ]
    asks = [_ask(wait, offers[wait.offer_id]) for wait in mine]
    verdicts, taken = grant_bags(
        now,
        available,
        demand.needs,
        {offer.pk: terms(offer) for offer in offers.values()},
        tallies(offers.values(), buyers),
        live_holds(known({(buyer, "") for buyer in buyers})),
        [[ask] for ask in asks],
    )
    won = [
        Turn(wait, ask, verdict[0])
        for wait, ask, verdict in zip(mine, asks, verdicts, strict=True)
        if isinstance(verdict, list)
    ]
    return Turns(won, taken, offers)


def _rows(offer: Offer, demand: Demand) -> set[int]:
    """The rows it takes from, and its own, whose lock guards its limits."""
    return {*demand.needs[offer.pk], offer.stock_id}


def _ask(wait: Wait, offer: Offer) -> Ask:
    return Ask(
        order=str(uuid.uuid4()),
        buyer=wait.user_id,
        offer=wait.offer_id,
        qty=wait.qty,
        amount=offer.price_map.get(wait.currency, 0) * wait.qty,
        currency=wait.currency,
    )


def _offer(turns: Turns, demand: Demand, now: int) -> None:
    if not turns.won:
        return
    goods = goods_of(turns.offers.values(), demand)
    holds = [
        _hold(turn, turns.offers[turn.wait.offer_id], goods, now) for turn in turns.won
    ]
    told = write(holds, now)
    for turn, hold in zip(turns.won, holds, strict=True):
        Wait.objects.filter(id=turn.wait.pk).update(
            state=Wait.State.OFFERED, order_id=hold.order
        )
        _tell(turn.wait, told[hold.order])
    for offer in sorted({turn.wait.offer_id for turn in turns.won}):
        tell_queue(offer)


def _hold(turn: Turn, offer: Offer, goods: GoodsOf, now: int) -> Hold:
    wait, key = turn.wait, f"wait:{turn.wait.pk}"
    return Hold(
        order=uuid.UUID(turn.ask.order),
        shop=offer.sku.product.shop_id,
        buyer=wait.user_id,
        # No client's key has a colon.
        key=key,
        digest=blake2b(key.encode(), digest_size=16).digest(),
        currency=wait.currency,
        until=now + HOLD_MS,
        via=Origin("wait", wait.pk),
        stream=offer.stream_id,
        pieces=pieces_of([turn.ask], [turn.price], goods),
        limited={} if offer.per_buyer is None else {offer.pk: offer.per_buyer},
    )


def _tell(wait: Wait, held: OrderHeld) -> None:
    expires_at = held.hold_until
    publish_on_commit(
        f"#{wait.user_id}",
        WaitOffered(
            wait=wait.pk, offer=wait.offer_id, order=held.order, expires_at=expires_at
        ),
    )
    publish_on_commit(
        f"#{wait.user_id}",
        OrderChanged(
            order=held.order, state="held", was=None, version=0, expires_at=expires_at
        ),
    )


def tell_queue(offer: int) -> None:
    """Tell the head of an offer's queue how many are before them now."""
    waiting = Wait.objects.filter(offer_id=offer, state=Wait.State.WAITING)
    for ahead, wait in enumerate(waiting.order_by("id")[:TOLD]):
        tell_waiter(wait, ahead)


def tell_waiter(wait: Wait, ahead: int = 0) -> None:
    publish_on_commit(
        f"#{wait.user_id}",
        WaitChanged(wait=wait.pk, offer=wait.offer_id, state=wait.state, ahead=ahead),
    )


_ENDS = {
    "paid": Wait.State.BOUGHT,
    "expired": Wait.State.PASSED,
    "cancelled": Wait.State.PASSED,
}


def follow(order: Order) -> None:
    """What a waiter's order became, their place becomes. Under the order's lock."""
    state = _ENDS.get(order.state)
    if order.via_kind != "wait" or state is None:
        return
    wait = Wait.objects.get(order=order)
    wait.state = state
    wait.save(update_fields=["state"])
    tell_waiter(wait)
