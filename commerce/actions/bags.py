"""A buyer's bag: what they may want. Nothing is held by it.

Each change opens by raising the bag's version, its mutex; at checkout it comes after
the stock rows. Neighbour: checkout.py makes orders of it.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import F

from commerce.actions.offers import audiences, read, terms
from commerce.actions.parts import levels
from commerce.commands.bags import BagLineView, BagView, PutInBag
from commerce.events import BagChanged
from commerce.grant import shown
from commerce.models import Bag, BagLine, Offer
from realtime import publish_on_commit
from realtime.exceptions import BAD_REQUEST, NOT_FOUND

LINES = 50
"""Of a bag."""


def put_in_bag(user: int, command: PutInBag) -> BagView:
    """Say how many of an offer the bag has from now on; 0 takes it out.

    Raises `NOT_FOUND` for what its buyer may not see, `OFFER_CLOSED`.
    """
    Bag.objects.get_or_create(user_id=user)
    Bag.objects.filter(user_id=user).update(version=F("version") + 1)
    mine = BagLine.objects.filter(user_id=user)
    if command.qty == 0:
        mine.filter(offer_id=command.offer).delete()
    else:
        _check(user, command.offer)
        if mine.exclude(offer_id=command.offer).count() >= LINES:
            raise BAD_REQUEST(path="$.offer", why=f"a bag has {LINES} lines at most")
        BagLine.objects.update_or_create(
            user_id=user, offer_id=command.offer, defaults={"qty": command.qty}
        )
    _tell(user)
    return bag_view(user)


def _check(user: int, offer_id: int) -> None:
    offers, now = read([offer_id])
    if user not in audiences(offers.values()).get(offer_id, {user}) or not offers:
        raise NOT_FOUND()
    if (closed := terms(offers[offer_id]).closed(now)) is not None:
        raise closed


def _tell(user: int) -> None:
    version = Bag.objects.values_list("version", flat=True).get(user_id=user)
    lines = BagLine.objects.filter(user_id=user).count()
    publish_on_commit(f"#{user}", BagChanged(version=version, lines=lines))


def leave_bags(bought: Iterable[tuple[int, int]]) -> None:
    """Take what was bought, as (buyer, offer), out of the buyers' bags."""
    offers: dict[int, set[int]] = defaultdict(set)
    for buyer, offer in bought:
        offers[buyer].add(offer)
    bags = Bag.objects.filter(user_id__in=offers).order_by("user_id")
    for bag in bags.select_for_update(no_key=True):
        mine = BagLine.objects.filter(user_id=bag.pk, offer_id__in=offers[bag.pk])
        if mine.delete()[0]:
            Bag.objects.filter(user_id=bag.pk).update(version=F("version") + 1)
            _tell(bag.pk)


def bag_view(user: int) -> BagView:
    """The bag, oldest line first. What cannot be bought now stays, and says so."""
    version = Bag.objects.filter(user_id=user).values_list("version", flat=True)
    lines = list(BagLine.objects.filter(user_id=user).order_by("id"))
    offers, now = read(line.offer_id for line in lines)
    guests = audiences(offers.values())
    hidden = {key for key, may in guests.items() if user not in may}
    level = levels(offer.stock for offer in offers.values())
    return BagView(
        lines=[
            _line_view(
                offers[line.offer_id],
                line.qty,
                level[offers[line.offer_id].stock_id].available,
                now=now,
                hidden=line.offer_id in hidden,
            )
            for line in lines
        ],
        version=version.first() or 0,
    )


def _line_view(
    offer: Offer, qty: int, available: int, *, now: int, hidden: bool
) -> BagLineView:
    product = offer.sku.product
    return BagLineView(
        offer=offer.pk,
        sku=offer.sku_id,
        shop=product.shop_id,
        shop_name=product.shop.name,
        stream=offer.stream_id,
        title=product.title,
        image=product.image,
        options=offer.sku.options,
        qty=qty,
        prices=offer.price_map,
        left=shown(available, offer.sku.show_stock),
        open=terms(offer).closed(now) is None and not hidden,
    )
