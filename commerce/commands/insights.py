"""What sells, as asked and answered."""

from msgspec import Struct

from commerce.commands.ids import StreamId
from realtime import Command


class GetStreamInsight(Command, frozen=True, tag="insight.stream"):
    stream: StreamId


class Figures(Struct, frozen=True):
    """`orders`, `units`, `gmv` count what is paid; `holders` who holds now or paid."""

    orders: int
    units: int
    gmv: dict[str, int]
    holders: int


class ItemFigures(Struct, frozen=True):
    number: int
    title: str
    sold: int
    left: int
    gmv: dict[str, int]


class StreamInsight(Struct, frozen=True):
    figures: Figures
    items: list[ItemFigures]
