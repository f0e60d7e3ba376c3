"""The teller's transaction: a queue of buyers decided under one row lock.

Neighbours: teller.py collects the queue, grant.py says who wins, orders.py has what
happens to an order later.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.db.models import Q, QuerySet
from msgspec import Struct

from commerce.actions.stock import change, lock
from commerce.clock import DatabaseNow
from commerce.commands.orders import HeldLine, OrderHeld, PlaceOrder
from commerce.grant import Ask, Terms, Won, grant
from commerce.models import (
    Move,
    Offer,
    Order,
    OrderLine,
    Product,
    Shop,
    Stock,
    Tally,
)
from commerce.models.inserting import insert, reserve
from commerce.states import LIVE
from realtime.exceptions import KEY_REUSED, NOT_FOUND, CommandError
from realtime.failpoints import failpoint
from streams.models import Stream
from streams.roles import parts_in

Name = tuple[int, str]
"""Buyer and key: what an order is known by for ever."""
Answer = OrderHeld | CommandError
Answers = dict[Name, tuple[bytes, Answer]]
"""What each name was told, and the digest of what it had asked."""


class Wish(Struct, frozen=True):
    """One `order.place` as it stands in the queue."""

    buyer: int
    digest: bytes
    command: PlaceOrder

    @property
    def name(self) -> Name:
        return self.buyer, self.command.key

    def told(self, answers: Answers) -> Answer:
        """Its answer: for another wish under the same key, `key_reused`."""
        digest, answer = answers[self.name]
        return answer if digest == self.digest else KEY_REUSED(method="order.place")


class Sale(Struct, frozen=True):
    """A wish that won, the offer it won from and the price of each unit."""

    wish: Wish
    ask: Ask
    offer: Offer
    price: int


class Decision(Struct, frozen=True):
    """What each name is told, what is left, and who won just now."""

    answers: Answers
    available: int
    winners: list[tuple[Wish, OrderHeld]]


def decide(stock_id: int, wishes: Sequence[Wish], refused: Answers) -> Decision:
    """Decide a queue in one transaction; its return means committed.

    A wish that won before is answered from its order, by the same bytes: so this may
    be called again with the same queue when it is unknown whether a commit went
    through. `refused` are refusals this process remembers, which stand.
    """
    with transaction.atomic(durable=True):
        stock = lock([stock_id])[stock_id]
        decision = _decide(stock, wishes, refused)
        failpoint("orders.before_commit")
    failpoint("orders.after_commit")
    return decision


def prior(wishes: Sequence[Wish]) -> Answers:
    """What those were told who won before, whatever this process remembers."""
    return _told_before(_orders_of(wishes).filter(_by_key(wishes)), wishes)


def _orders_of(wishes: Sequence[Wish]) -> QuerySet[Order]:
    return Order.objects.filter(buyer_id__in={wish.buyer for wish in wishes})


def _by_key(wishes: Sequence[Wish]) -> Q:
    return Q(key__in={wish.command.key for wish in wishes})


def _told_before(orders: Iterable[Order], wishes: Sequence[Wish]) -> Answers:
    names = {wish.name for wish in wishes}
    found = {(o.buyer_id, o.key): o for o in orders if (o.buyer_id, o.key) in names}
    lines: dict[uuid.UUID, list[OrderLine]] = defaultdict(list)
    if found:
        ids = [order.pk for order in found.values()]
        for line in OrderLine.objects.filter(order_id__in=ids).order_by("id"):
            lines[line.order_id].append(line)
    return {
        name: (bytes(order.digest), _held(order, lines[order.pk]))
        for name, order in found.items()
    }


def _held(order: Order, lines: Sequence[OrderLine]) -> OrderHeld:
    return OrderHeld(
        order=str(order.pk),
        lines=[
            HeldLine(line=line.pk, sku=line.sku_id, qty=line.qty, price=line.price)
            for line in lines
        ],
        currency=order.currency,
        hold_until=order.hold_until,
    )


def _decide(stock: Stock, wishes: Sequence[Wish], refused: Answers) -> Decision:
    # One reading for both: orders under these keys, and what these buyers hold.
    both = _by_key(wishes) | Q(state__in=LIVE)
    orders = list(_orders_of(wishes).filter(both).order_by("placed_at"))
    answers = {**refused, **_told_before(orders, wishes)}
    fresh: dict[Name, Wish] = {}
    for wish in wishes:
        if wish.name not in answers:
            fresh.setdefault(wish.name, wish)
    if not fresh:
        return Decision(answers, stock.available, [])
    offers, now = _offers(stock, list(fresh.values()))
    outside = _outside(offers, fresh.values())
    answers |= {wish.name: (wish.digest, NOT_FOUND()) for wish in outside}
    queue = [wish for wish in fresh.values() if wish.name not in answers]
    asks = [_ask(wish) for wish in queue]
    tallies = _tallies(offers, queue)
    verdicts, taken = grant(
        now,
        stock.available,
        {offer.pk: _terms(offer) for offer in offers.values()},
        tallies,
        _holds(orders),
        asks,
    )
    sales = []
    winners: list[tuple[Wish, OrderHeld]] = []
    for wish, ask, verdict in zip(queue, asks, verdicts, strict=True):
        if isinstance(verdict, Won):
            sales.append(Sale(wish, ask, offers[ask.offer], verdict.price))
        else:
            answers[wish.name] = wish.digest, verdict
    if sales:
        winners = _hold(stock, sales, now)
        for wish, held in winners:
            answers[wish.name] = wish.digest, held
        _count(tallies, sales)
        change(stock, -taken, now)
    return Decision(answers, stock.available, winners)


def _ask(wish: Wish) -> Ask:
    command = wish.command
    return Ask(
        order=str(uuid.uuid4()),
        buyer=wish.buyer,
        offer=command.offer,
        qty=command.qty,
        amount=command.expect.amount,
        currency=command.expect.currency,
    )


def _offers(stock: Stock, queue: Sequence[Wish]) -> tuple[dict[int, Offer], int]:
    """The offers of the queue, and the time as they were read, under the lock."""
    wanted: QuerySet[Offer] = QuerySet(Offer).filter(
        id__in={w.command.offer for w in queue}, stock=stock
    )
    rows = wanted.select_related("sku__product__shop", "stream").annotate(
        now=DatabaseNow()
    )
    offers: dict[int, Offer] = {}
    now = 0
    for row in rows:
        offers[row.pk], now = row, row.now
    return offers, now


def _outside(offers: Mapping[int, Offer], wishes: Iterable[Wish]) -> list[Wish]:
    """Who asks for an offer of a private show that is not for them: for them it is not
    there. One query a private show, none for others.
    """
    private = {
        offer.pk: {offer.stream.host_id, *parts_in(offer.stream)}
        for offer in offers.values()
        if offer.stream.visibility == Stream.Visibility.PRIVATE
    }
    return [
        wish
        for wish in wishes
        if wish.buyer not in private.get(wish.command.offer, {wish.buyer})
    ]


def _terms(offer: Offer) -> Terms:
    product = offer.sku.product
    return Terms(
        open=(offer.state, product.state, product.shop.state)
        == (Offer.State.OPEN, Product.State.LISTED, Shop.State.OPEN),
        prices=offer.price_map,
        per_buyer=offer.per_buyer,
        show_stock=offer.sku.show_stock,
    )


def _tallies(
    offers: Mapping[int, Offer], queue: Sequence[Wish]
) -> dict[tuple[int, int], int]:
    limited = [offer.pk for offer in offers.values() if offer.per_buyer is not None]
    if not limited:
        return {}
    rows = Tally.objects.filter(
        offer_id__in=limited, buyer_id__in={wish.buyer for wish in queue}
    )
    return {(row.offer_id, row.buyer_id): row.qty for row in rows}


def _holds(orders: Iterable[Order]) -> dict[int, list[str]]:
    """The live holds of each buyer, oldest first."""
    holds: dict[int, list[str]] = defaultdict(list)
    for order in orders:
        if order.state in LIVE:
            holds[order.buyer_id].append(str(order.pk))
    return holds


def _hold(stock: Stock, sales: list[Sale], now: int) -> list[tuple[Wish, OrderHeld]]:
    """Write orders, lines and moves; in (buyer, key) order, as every teller does.

    So two tellers that meet in the unique index wait for each other one way only.
    """
    sales = sorted(sales, key=lambda sale: sale.wish.name)
    count = len(sales)
    until = [now + sale.offer.hold_s * 1000 for sale in sales]
    orders = [uuid.UUID(sale.ask.order) for sale in sales]
    lines = reserve(OrderLine, count)
    units = [sale.ask.qty for sale in sales]
    skus = [sale.offer.sku for sale in sales]
    insert(
        Order,
        count,
        {
            "id": orders,
            "shop_id": [sku.product.shop_id for sku in skus],
            "buyer_id": [sale.wish.buyer for sale in sales],
            "key": [sale.wish.command.key for sale in sales],
            "digest": [sale.wish.digest for sale in sales],
            "state": Order.State.HELD.value,
            "version": 0,
            "currency": [sale.ask.currency for sale in sales],
            "goods": [sale.price * sale.ask.qty for sale in sales],
            "placed_at": now,
            "hold_until": until,
            "expires_at": until,
            "grace": False,
            "via_kind": [sale.wish.command.via.kind for sale in sales],
            "via_id": [sale.wish.command.via.id for sale in sales],
            "stream_id": [sale.offer.stream_id for sale in sales],
            "media_ms": [sale.wish.command.via.media_ms for sale in sales],
        },
    )
    insert(
        OrderLine,
        count,
        {
            "id": lines,
            "order_id": orders,
            "offer_id": [sale.ask.offer for sale in sales],
            "sku_id": [sku.pk for sku in skus],
            "stock_id": stock.pk,
            "qty": units,
            "title": [sku.product.title for sku in skus],
            "image": [sku.product.image for sku in skus],
            "options": [sku.options for sku in skus],
            "price": [sale.price for sale in sales],
            "net": [sale.price * sale.ask.qty for sale in sales],
        },
    )
    insert(
        Move,
        count,
        {
            "stock_id": stock.pk,
            "kind": Move.Kind.HOLD.value,
            "delta": [-qty for qty in units],
            "ref": [str(line) for line in lines],
            "line_id": lines,
            "note": "",
            "at": now,
        },
    )
    return [
        (sale.wish, _told(sale, line, hold_until))
        for sale, line, hold_until in zip(sales, lines, until, strict=True)
    ]


def _told(sale: Sale, line: int, hold_until: int) -> OrderHeld:
    """As `_held` tells it from the rows for ever after."""
    ask = sale.ask
    sold = HeldLine(line=line, sku=sale.offer.sku_id, qty=ask.qty, price=sale.price)
    return OrderHeld(
        order=ask.order, lines=[sold], currency=ask.currency, hold_until=hold_until
    )


def _count(tallies: Mapping[tuple[int, int], int], sales: Sequence[Sale]) -> None:
    """Write what each buyer now has of a limited offer: one upsert."""
    sums: dict[tuple[int, int], Tally] = {}
    for sale in sales:
        if sale.offer.per_buyer is None:
            continue
        pair = (sale.offer.pk, sale.wish.buyer)
        tally = sums.setdefault(
            pair,
            Tally(
                offer=sale.offer,
                buyer_id=sale.wish.buyer,
                qty=tallies.get(pair, 0),
                cap=sale.offer.per_buyer,
            ),
        )
        tally.qty += sale.wish.command.qty
    Tally.objects.bulk_create(
        sums.values(),
        update_conflicts=True,
        unique_fields=["offer", "buyer"],
        update_fields=["qty"],
    )
