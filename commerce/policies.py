"""Seams of the quote: who knows of taxes, who knows of coupons. Plain ones inside.

Both are asked outside any transaction and may wait, for 2.5 s; settings name the
classes (`SOUK_TAX_POLICY`, `SOUK_COUPON_POLICY`). Neighbour: actions/quoting.py.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Protocol

import msgspec
from django.conf import settings
from django.utils.module_loading import import_string
from msgspec import Meta, Struct

from commerce.commands.ids import Country, Prices
from commerce.errors import COUPON_REFUSED
from commerce.money import half_up


class Goods(Struct, frozen=True):
    """A line as it is taxed: `net` is for all its units, after the discount."""

    line: int
    sku: int
    category: str
    qty: int
    net: int
    currency: str
    imported: bool
    """It crosses a border on its way to the buyer."""


class Tax(Struct, frozen=True):
    """One tax on one line, in minor units of the line's currency."""

    line: int
    name: str
    rate_bp: int
    amount: int


class TaxPolicy(Protocol):
    async def quote(self, lines: Sequence[Goods], ship_to: str) -> list[Tax]:
        """The taxes on goods sent to a country; in the order they shall be shown.

        May raise anything: the buyer is told `quote_failed`, and may ask again.
        """


class CouponPolicy(Protocol):
    async def discount(self, claim: int, buyer: int, lines: Sequence[Goods]) -> int:
        """What a coupon takes off these goods. Raises `COUPON_REFUSED(why)`."""


class NoCoupons:
    """There are none, so none is known."""

    async def discount(self, claim: int, buyer: int, lines: Sequence[Goods]) -> int:
        raise COUPON_REFUSED(why="unknown")


class NoTax:
    """Prices have all in them that there is to pay."""

    async def quote(self, lines: Sequence[Goods], ship_to: str) -> list[Tax]:
        return []


Rate = Annotated[int, Meta(ge=0, le=100_000)]


class Levy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tax or duty of one country: basis points of the goods' price."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    rate_bp: Rate
    categories: dict[str, Rate] = {}
    """Other rates, by the product's category; 0: none."""
    imports: bool = False
    """Only on what comes from another country."""
    over: Prices | None = None
    """De minimis: only when the goods it is on are together worth more than this. A
    currency without its amount has no such limit."""


Levies = dict[Country, Annotated[list[Levy], Meta(max_length=10)]]


class TableTax:
    """Rates by country and category, from the JSON file `SOUK_TAX_TABLE`.

    `{"DE": [{"name": "VAT", "rate_bp": 1900, "categories": {"books": 700}},
    {"name": "Duty", "rate_bp": 400, "imports": true, "over": {"EUR": 15000}}]}`.
    Each levy is on the price, none on another; each line is rounded for itself.
    """

    def __init__(self, levies: Levies | None = None) -> None:
        self._levies = read_table(settings.SOUK_TAX_TABLE) if levies is None else levies

    async def quote(self, lines: Sequence[Goods], ship_to: str) -> list[Tax]:
        found = (self._levy(levy, lines) for levy in self._levies.get(ship_to, []))
        return [tax for taxes in found for tax in taxes]

    def _levy(self, levy: Levy, lines: Sequence[Goods]) -> list[Tax]:
        upon = [line for line in lines if line.imported or not levy.imports]
        if not upon:
            return []
        least = (levy.over or {}).get(upon[0].currency)
        if least is not None and sum(line.net for line in upon) <= least:
            return []
        rates = {
            line: levy.categories.get(line.category, levy.rate_bp) for line in upon
        }
        return [
            Tax(line.line, levy.name, rate, half_up(line.net, rate))
            for line, rate in rates.items()
            if rate and line.net
        ]


def read_table(path: str) -> Levies:
    """Raises OSError, `msgspec.MsgspecError`: see the check commerce.E003."""
    return msgspec.json.decode(Path(path).read_bytes(), type=Levies)


@cache
def _made(path: str) -> Any:
    return import_string(path)()


def tax_policy() -> TaxPolicy:
    made: TaxPolicy = _made(settings.SOUK_TAX_POLICY)
    return made


def coupon_policy() -> CouponPolicy:
    made: CouponPolicy = _made(settings.SOUK_COUPON_POLICY)
    return made
