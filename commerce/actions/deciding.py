"""The teller's transaction: a queue of buyers decided under one row lock.

Neighbours: teller.py collects the queue, grant.py says who wins, holding.py writes what
they won, orders.py has what happens to an order later.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from django.db import transaction
from msgspec import Struct

from commerce.actions import plain
from commerce.actions.holding import Goods, Hold, Piece, told_again, write
from commerce.actions.offers import audiences, live_holds, tallies, terms
from commerce.actions.plain import Known, known, offers_of
from commerce.actions.stock import change, lock
from commerce.commands.orders import OrderHeld, PlaceOrder
from commerce.grant import Ask, Won, grant
from commerce.models import Offer, Stock
from realtime.exceptions import KEY_REUSED, NOT_FOUND, CommandError
from realtime.failpoints import failpoint

Name = tuple[int, str]
"""Buyer and key: what an order is known by for ever."""
Answer = OrderHeld | CommandError
Answers = dict[Name, tuple[bytes, Answer]]
"""What each name was told, and the digest of what it had asked."""


class Asked(Protocol):
    """Whoever stands in a queue: who, under which key, with which body."""

    @property
    def buyer(self) -> int: ...
    @property
    def name(self) -> Name: ...
    @property
    def digest(self) -> bytes: ...

    def told(self, answers: Answers) -> Answer:
        """Its answer among these: for another body under the same key, `key_reused`."""


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


HOLDERS = 50_000


class Decision(Struct, frozen=True):
    """What each name is told, what is left, and who won just now.

    `holders`: where nothing is left, who took units after the move `since`, at most
    `HOLDERS`, as (move, buyer). While nothing is left nobody can be added to them.
    """

    answers: Answers
    available: int
    winners: list[tuple[Wish, OrderHeld]]
    holders: list[tuple[int, int]]
    private: frozenset[int] = frozenset()
    """Offers of the row that strangers must not learn of; read when nothing is left."""


def decide(
    stock_id: int, wishes: Sequence[Wish], refused: Answers, since: int = 0
) -> Decision:
    """Decide a queue in one transaction; its return means committed.

    A wish that won before is answered from its order, by the same bytes: so this may
    be called again with the same queue when it is unknown whether a commit went
    through. `refused` are refusals this process remembers, which stand.
    """
    with transaction.atomic(durable=True):
        stock = lock([stock_id])[stock_id]
        answers, winners = _decide(stock, wishes, refused)
        empty = stock.available == 0
        holders = plain.holders(stock_id, since, HOLDERS) if empty else []
        private = plain.private_offers(stock_id) if empty else frozenset()
        failpoint("orders.before_commit")
    failpoint("orders.after_commit")
    return Decision(answers, stock.available, winners, holders, private)


def prior(wishes: Sequence[Wish]) -> Answers:
    """What those were told who won before, whatever this process remembers."""
    names = {wish.name for wish in wishes}
    return told_before(known(names), names)


def told_before(orders: Iterable[Known], names: Collection[Name]) -> Answers:
    """What was told under these names, of the orders that stand under them."""
    found = [order for order in orders if (order.buyer_id, order.key) in names]
    told = told_again(found) if found else {}
    return {
        (order.buyer_id, order.key): (bytes(order.digest), told[order.id])
        for order in found
    }


def _decide(
    stock: Stock, wishes: Sequence[Wish], refused: Answers
) -> tuple[Answers, list[tuple[Wish, OrderHeld]]]:
    names = {wish.name for wish in wishes}
    orders = known(names)
    answers = {**refused, **told_before(orders, names)}
    fresh: dict[Name, Wish] = {}
    for wish in wishes:
        if wish.name not in answers:
            fresh.setdefault(wish.name, wish)
    if not fresh:
        return answers, []
    offers, now = offers_of(w.command.offer for w in fresh.values())
    offers = {key: offer for key, offer in offers.items() if offer.stock_id == stock.pk}
    guests = audiences(offers.values())
    for wish in fresh.values():
        if wish.buyer not in guests.get(wish.command.offer, {wish.buyer}):
            answers[wish.name] = wish.digest, NOT_FOUND()
    queue = [wish for wish in fresh.values() if wish.name not in answers]
    asks = [_ask(wish) for wish in queue]
    verdicts, taken = grant(
        now,
        stock.available,
        {offer.pk: terms(offer) for offer in offers.values()},
        tallies(offers.values(), {wish.buyer for wish in queue}),
        live_holds(orders),
        asks,
    )
    goods = {offer.pk: _goods(offer) for offer in offers.values()}
    won: dict[uuid.UUID, Wish] = {}
    holds: list[Hold] = []
    for wish, ask, verdict in zip(queue, asks, verdicts, strict=True):
        if isinstance(verdict, Won):
            piece = Piece(ask.offer, goods[ask.offer], ask.qty, verdict.price)
            hold = _hold(offers[ask.offer], wish, ask, piece, now)
            won[hold.order] = wish
            holds.append(hold)
        else:
            answers[wish.name] = wish.digest, verdict
    told = write(holds, now) if holds else {}
    if taken:
        change(stock, -taken, now)
    winners = [(wish, told[order]) for order, wish in won.items()]
    answers |= {wish.name: (wish.digest, held) for wish, held in winners}
    return answers, winners


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


def _goods(offer: Offer) -> Goods:
    sku, product = offer.sku, offer.sku.product
    return Goods(sku.pk, offer.stock_id, product.title, product.image, sku.options)


def _hold(offer: Offer, wish: Wish, ask: Ask, piece: Piece, now: int) -> Hold:
    limit = offer.per_buyer
    return Hold(
        order=uuid.UUID(ask.order),
        shop=offer.sku.product.shop_id,
        buyer=wish.buyer,
        key=wish.command.key,
        digest=wish.digest,
        currency=ask.currency,
        until=now + offer.hold_s * 1000,
        via=wish.command.via,
        stream=offer.stream_id,
        pieces=[piece],
        limited={} if limit is None else {offer.pk: limit},
    )
