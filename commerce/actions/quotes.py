"""What a held order costs at an address: what is asked about, and what is written.

Transactions only. Neighbour: quoting.py, which asks the policies between them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from commerce.actions.addresses import address_view
from commerce.actions.orders import being_paid, change_state, locked, methods
from commerce.actions.payments import StillOpen
from commerce.clock import now_ms
from commerce.commands.quotes import AddressView, Quote, QuoteOrder, TaxLine
from commerce.errors import (
    ADDRESS_REQUIRED,
    COUPON_REFUSED,
    HOLD_EXPIRED,
    NOT_SHIPPABLE,
    QUOTE_FAILED,
    WRONG_STATE,
)
from commerce.fees import fee
from commerce.models import Address, Order, OrderLine
from commerce.money import LARGEST, allot
from commerce.policies import Goods, Tax
from commerce.states import LIVE
from realtime.exceptions import NOT_FOUND


class Basis(Struct, frozen=True):
    """All that a quote depends on: worked out for one, it is of no use for another."""

    version: int
    buyer: int
    goods: tuple[Goods, ...]
    """`net` is before any discount."""
    ship_to: str
    address: AddressView | None


class Worked(Struct, frozen=True):
    """What the policies said of a basis: discounts in the order of its goods."""

    basis: Basis
    discounts: list[int]
    taxes: list[Tax]


@dataclass
class Unpriced(Exception):
    """The policies must be asked about this first."""

    basis: Basis


def fix(user: int, command: QuoteOrder, worked: Worked | None) -> Quote:
    """Write a quote on a held order; a later one replaces it.

    Raises `Unpriced` unless `worked` is of the order as it is now, `StillOpen` while it
    is being paid; `HOLD_EXPIRED`, `WRONG_STATE`, `ADDRESS_REQUIRED`, `NOT_SHIPPABLE`.
    """
    order = Order.objects.filter(id=command.order, buyer_id=user).first()
    if order is None:
        raise NOT_FOUND()
    order = locked(order.pk)
    now = now_ms()
    _must_be_held(order, now)
    lines = priced_lines(order)
    basis = _basis(order, lines, _address(order, command))
    if worked is None or worked.basis != basis:
        raise Unpriced(basis)
    discount = sum(worked.discounts)
    shipping = _fee(order, basis, order.goods - discount)
    tax = sum(tax.amount for tax in worked.taxes)
    amount = order.goods - discount + shipping + tax
    if amount > LARGEST:
        raise QUOTE_FAILED()
    _write_lines(lines, worked)
    taxes = tax_lines(worked.taxes)
    change_state(
        order,
        "held",
        now,
        by=user,
        reason="quote",
        discount=discount,
        shipping=shipping,
        tax=tax,
        taxes=msgspec.to_builtins(taxes),
        amount=amount,
        address=_copy(basis.address),
    )
    return Quote(
        goods=order.goods,
        discount=discount,
        shipping=shipping,
        taxes=taxes,
        amount=amount,
        currency=order.currency,
        methods=methods(order),
        version=order.version,
    )


def _must_be_held(order: Order, now: int) -> None:
    """Also one that was being paid, once its attempt has been ended."""
    over = order.state in LIVE and (order.expires_at or now + 1) <= now
    if order.state == Order.State.EXPIRED or over:
        raise HOLD_EXPIRED(expired_at=order.expires_at or order.hold_until)
    if order.state not in LIVE:
        raise WRONG_STATE(state=order.state)
    if being_paid(order):
        raise StillOpen(order.pk)


def priced_lines(order: Order) -> list[OrderLine]:
    """The lines that cost something: not the parts of a bundle, but the bundle."""
    lines = order.lines.filter(parent=None).order_by("id")
    return list(lines.select_related("sku__product"))


def _address(order: Order, command: QuoteOrder) -> AddressView | None:
    """Where it goes; None for a shop that ships nothing."""
    if not order.shop.shipping:
        return None
    if command.address is None:
        raise ADDRESS_REQUIRED()
    mine = Address.objects.filter(user_id=order.buyer_id)
    found = mine.filter(id=command.address).first()
    if found is None:
        raise NOT_FOUND()
    return address_view(found)


def _basis(
    order: Order, lines: Sequence[OrderLine], address: AddressView | None
) -> Basis:
    home = order.shop.country
    ship_to = address.country if address else home
    if address:
        _must_ship(order, lines, ship_to)
    return Basis(
        version=order.version,
        buyer=order.buyer_id,
        goods=tuple(
            Goods(
                line=line.pk,
                sku=line.sku_id,
                category=line.sku.product.category,
                qty=line.qty,
                net=line.price * line.qty,
                currency=order.currency,
                imported=ship_to != home or line.sku.product.cross_border,
            )
            for line in lines
        ),
        ship_to=ship_to,
        address=address,
    )


def _must_ship(order: Order, lines: Sequence[OrderLine], country: str) -> None:
    served = fee(order.shop.shipping, country, order.currency, 0) is not None
    kept = [
        line.pk
        for line in lines
        if not served or country not in (line.sku.product.ships_to or [country])
    ]
    if kept:
        raise NOT_SHIPPABLE(country=country, lines=kept)


def _fee(order: Order, basis: Basis, goods: int) -> int:
    if basis.address is None:
        return 0
    return fee(order.shop.shipping, basis.ship_to, order.currency, goods) or 0


def _write_lines(lines: Sequence[OrderLine], worked: Worked) -> None:
    taxes: dict[int, int] = {}
    for tax in worked.taxes:
        taxes[tax.line] = taxes.get(tax.line, 0) + tax.amount
    for line, discount in zip(lines, worked.discounts, strict=True):
        line.discount = discount
        line.net = line.price * line.qty - discount
        line.tax = taxes.get(line.pk, 0)
    OrderLine.objects.bulk_update(lines, ["discount", "net", "tax"])


def tax_lines(taxes: Sequence[Tax]) -> list[TaxLine]:
    """Taxes as the buyer reads them: one row a name and rate."""
    sums: dict[tuple[str, int], int] = {}
    for tax in taxes:
        sums[tax.name, tax.rate_bp] = sums.get((tax.name, tax.rate_bp), 0) + tax.amount
    return [TaxLine(name, rate, amount) for (name, rate), amount in sums.items()]


def _copy(address: AddressView | None) -> Mapping[str, object] | None:
    """The order's own copy: of no row, so its number is 0."""
    if address is None:
        return None
    kept = msgspec.structs.replace(address, address=0, is_default=False)
    return dict(msgspec.structs.asdict(kept))


def discounted(goods: Sequence[Goods], off: int) -> tuple[list[int], list[Goods]]:
    """What a discount takes off each line, and the lines as they are taxed then."""
    weights = [line.net for line in goods]
    if not 0 <= off <= sum(weights):
        raise COUPON_REFUSED(why="worth more than the goods")
    shares = allot(off, weights)
    taxed = [
        msgspec.structs.replace(line, net=line.net - share)
        for line, share in zip(goods, shares, strict=True)
    ]
    return shares, taxed
