"""Bags become orders: a queue of them decided under the locks of all their stock rows.

An order of a bundle is a bag of one line: its demand, too, is on several rows. Which
rows an offer takes from never changes, so it is read before they are locked; all else
is read after. Neighbours: bag_grant.py says who wins, holding.py writes what they won,
till.py collects the queue.
"""

import uuid
from collections.abc import Mapping, Sequence

from django.db import transaction
from msgspec import Struct

from commerce.actions.bags import leave_bags
from commerce.actions.deciding import (
    Answer,
    Answers,
    Name,
    told_before,
)
from commerce.actions.demand import GoodsOf, demand_of, goods_of, pieces_of
from commerce.actions.holding import Hold, write
from commerce.actions.offers import audiences, live_holds, read, tallies, terms
from commerce.actions.plain import known
from commerce.actions.stock import change, lock
from commerce.bag_grant import grant_bags
from commerce.commands.bags import BagWish, CheckOutBag
from commerce.commands.orders import OrderHeld, PlaceOrder
from commerce.grant import Ask, Won
from commerce.models import Offer
from commerce.money import LARGEST
from realtime.exceptions import BAD_REQUEST, KEY_REUSED, NOT_FOUND, CommandError
from realtime.failpoints import failpoint


class Bagful(Struct, frozen=True):
    """A `bag.checkout`, or an `order.place` of a bundle, as it stands in the queue."""

    buyer: int
    digest: bytes
    command: CheckOutBag | PlaceOrder

    @property
    def name(self) -> Name:
        return self.buyer, self.command.key

    @property
    def lines(self) -> Sequence[BagWish]:
        if isinstance(self.command, CheckOutBag):
            return self.command.lines
        wish = self.command
        return [BagWish(offer=wish.offer, qty=wish.qty, expect=wish.expect)]

    def refusal(self, error: CommandError) -> CommandError:
        """As its buyer is told it: who asked for one offer knows which."""
        if isinstance(self.command, PlaceOrder):
            error.data.pop("lines", None)
        return error

    def told(self, answers: Answers) -> Answer:
        """Its answer: for another wish under the same key, `key_reused`."""
        digest, answer = answers[self.name]
        if digest == self.digest:
            return answer
        return KEY_REUSED(method=self.command.__struct_config__.tag)


class Decision(Struct, frozen=True):
    """What each name is told, who won just now, and the rows that have less."""

    answers: Answers
    winners: list[tuple[Bagful, OrderHeld]]
    stocks: list[int]


def check_lines(command: CheckOutBag) -> None:
    """What is wrong with a bag by itself. Raises `BAD_REQUEST`."""
    seen: set[int] = set()
    currency = command.lines[0].expect.currency
    for index, line in enumerate(command.lines):
        if line.offer in seen:
            raise BAD_REQUEST(path=f"$.lines[{index}].offer", why="an offer twice")
        if line.expect.currency != currency:
            path = f"$.lines[{index}].expect.currency"
            raise BAD_REQUEST(path=path, why="another than of the lines before")
        seen.add(line.offer)
    if sum(line.expect.amount for line in command.lines) > LARGEST:
        raise BAD_REQUEST(path="$.lines", why="too much for one order")


def check_out(bags: Sequence[Bagful], refused: Answers) -> Decision:
    """Decide a queue of bags in one transaction; its return means committed.

    May be called again with the same queue when a commit is unknown: who won is found
    to have won. Raises IntegrityError when a key was used beside us; then call again.
    """
    with transaction.atomic(durable=True):
        decision = _decide(bags, refused)
        failpoint("bags.before_commit")
    failpoint("bags.after_commit")
    return decision


def _decide(bags: Sequence[Bagful], refused: Answers) -> Decision:
    ids = {line.offer for bag in bags for line in bag.lines}
    demand = demand_of(ids)
    stocks = lock(demand.locks)
    names = {bag.name for bag in bags}
    orders = known(names)
    answers = {**refused, **told_before(orders, names)}
    offers, now = read(ids)
    queue = _queue(bags, answers, offers)
    asks = [_asks(bag) for bag in queue]
    verdicts, taken = grant_bags(
        now,
        {row: stock.available for row, stock in stocks.items()},
        demand.needs,
        {offer.pk: terms(offer) for offer in offers.values()},
        tallies(offers.values(), {bag.buyer for bag in queue}),
        live_holds(orders),
        asks,
    )
    goods = goods_of(offers.values(), demand)
    won: dict[uuid.UUID, Bagful] = {}
    holds: list[Hold] = []
    for bag, ask, verdict in zip(queue, asks, verdicts, strict=True):
        if isinstance(verdict, CommandError):
            answers[bag.name] = bag.digest, bag.refusal(verdict)
        else:
            holds.append(_hold(bag, ask, verdict, offers, goods, now))
            won[holds[-1].order] = bag
    told = write(holds, now) if holds else {}
    for row in sorted(taken):
        change(stocks[row], -taken[row], now)
    leave_bags(
        (bag.buyer, line.offer)
        for bag in won.values()
        if isinstance(bag.command, CheckOutBag)
        for line in bag.lines
    )
    winners = [(bag, told[order]) for order, bag in won.items()]
    answers |= {bag.name: (bag.digest, held) for bag, held in winners}
    return Decision(answers, winners, sorted(taken))


def _queue(
    bags: Sequence[Bagful], answers: Answers, offers: Mapping[int, Offer]
) -> list[Bagful]:
    """Who is to be decided now; `answers` gets who cannot be."""
    guests = audiences(offers.values())
    queue: dict[Name, Bagful] = {}
    for bag in bags:
        if bag.name in answers or bag.name in queue:
            continue
        error = _amiss(bag, offers, guests)
        if error is None:
            queue[bag.name] = bag
        else:
            answers[bag.name] = bag.digest, error
    return list(queue.values())


def _amiss(
    bag: Bagful, offers: Mapping[int, Offer], guests: Mapping[int, set[int]]
) -> CommandError | None:
    """Offers that are not there for this buyer, or of another shop."""
    unseen = [
        {"offer": line.offer}
        for line in bag.lines
        if line.offer not in offers
        or bag.buyer not in guests.get(line.offer, {bag.buyer})
    ]
    if unseen:
        return bag.refusal(NOT_FOUND(lines=unseen))
    if isinstance(bag.command, CheckOutBag):
        for index, line in enumerate(bag.lines):
            if offers[line.offer].sku.product.shop_id != bag.command.shop:
                path = f"$.lines[{index}].offer"
                return BAD_REQUEST(path=path, why="of another shop")
    return None


def _asks(bag: Bagful) -> list[Ask]:
    order = str(uuid.uuid4())
    return [
        Ask(
            order=order,
            buyer=bag.buyer,
            offer=line.offer,
            qty=line.qty,
            amount=line.expect.amount,
            currency=line.expect.currency,
        )
        for line in bag.lines
    ]


def _hold(
    bag: Bagful,
    asks: Sequence[Ask],
    prices: Sequence[Won],
    offers: Mapping[int, Offer],
    goods: GoodsOf,
    now: int,
) -> Hold:
    mine = [offers[ask.offer] for ask in asks]
    via = bag.command.via
    streams = [offer.stream_id for offer in mine]
    return Hold(
        order=uuid.UUID(asks[0].order),
        shop=mine[0].sku.product.shop_id,
        buyer=bag.buyer,
        key=bag.command.key,
        digest=bag.digest,
        currency=asks[0].currency,
        # What its host lets out for the shortest time decides for all.
        until=now + min(offer.hold_s for offer in mine) * 1000,
        via=via,
        stream=via.id if via.id in streams else streams[0],
        pieces=pieces_of(asks, prices, goods),
        limited={
            offer.pk: offer.per_buyer for offer in mine if offer.per_buyer is not None
        },
    )
