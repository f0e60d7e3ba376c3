"""A town square: commands, hooks and channels for tests of the socket itself."""

import asyncio
from typing import Annotated

from django.db import OperationalError
from django.db import connection as database
from msgspec import Meta, Struct

from realtime import (
    Command,
    CommandRouter,
    Connection,
    Event,
    Keep,
    Lane,
    Latest,
    Mutation,
    Namespace,
    Rate,
    error_code,
    publish,
)

router = CommandRouter()
CLOSED_TODAY = error_code(1901, "closed_today")


class Said(Struct, frozen=True):
    text: str
    user: int | None = None


class Echo(Mutation, frozen=True, tag="echo.say"):
    text: Annotated[str, Meta(max_length=10)]
    number: int = 0


class Whisper(Command, frozen=True, tag="whisper.say"):
    text: str = ""


class Wait(Command, frozen=True, tag="wait.until"):
    """Answers when `wait.ring` rings the same bell."""

    bell: str


class Ring(Command, frozen=True, tag="ring.bell"):
    bell: str


class Count(Command, frozen=True, tag="count.rows"):
    pass


class Break(Command, frozen=True, tag="break.down"):
    away: bool = False
    """It is the database that is away."""


class Refuse(Command, frozen=True, tag="refuse.me"):
    pass


class Often(Command, frozen=True, tag="often.asked"):
    pass


class Tell(Command, frozen=True, tag="tell.all"):
    channel: str
    first: int
    count: int = 1
    keep: bool = True


class Told(Event, frozen=True, tag="told"):
    n: int


class Price(Latest, frozen=True):
    item: str
    amount: int

    @property
    def key(self) -> str:
        return f"price:{self.item}"


class SetPrice(Command, frozen=True, tag="price.set"):
    channel: str
    item: str
    amount: int


bells: dict[str, asyncio.Event] = {}


def bell(name: str) -> asyncio.Event:
    return bells.setdefault(name, asyncio.Event())


@router.handles()
async def echo(connection: Connection, command: Echo) -> Said:
    return Said(command.text, connection.user)


@router.handles(anonymous=True)
async def whisper(connection: Connection, command: Whisper) -> Said:
    return Said(command.text, connection.viewer)


@router.handles(anonymous=True)
async def wait(connection: Connection, command: Wait) -> Said:
    await bell(command.bell).wait()
    return Said(command.bell)


@router.handles(anonymous=True)
async def ring(connection: Connection, command: Ring) -> Said:
    bell(command.bell).set()
    return Said(command.bell)


@router.handles(anonymous=True)
def count(connection: Connection, command: Count) -> Said:
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_user")
        return Said(str(cursor.fetchone()[0]))


@router.handles(anonymous=True)
async def break_down(connection: Connection, command: Break) -> Said:
    raise OperationalError("away") if command.away else RuntimeError("ours")


@router.handles(anonymous=True)
async def refuse(connection: Connection, command: Refuse) -> Said:
    raise CLOSED_TODAY(until=9)


@router.handles(rate=Rate(0.01, burst=2))
async def often(connection: Connection, command: Often) -> Said:
    return Said("yes")


@router.handles(anonymous=True)
async def tell(connection: Connection, command: Tell) -> Said:
    for n in range(command.first, command.first + command.count):
        await publish(command.channel, Told(n=n), keep=command.keep)
    return Said("told")


@router.handles(anonymous=True)
async def set_price(connection: Connection, command: SetPrice) -> Said:
    await publish(command.channel, Price(item=command.item, amount=command.amount))
    return Said("set")


async def only_members(connection: Connection, address: str) -> None:
    if address == "private":
        raise CLOSED_TODAY(until=9)
    if address == "slow":
        await asyncio.sleep(30)


router.namespace(
    Namespace(
        "deals",
        lane=Lane.RELIABLE,
        keep=Keep(10, seconds=3600),
        counted=True,
        authorize=only_members,
    )
)
# Nobody here listens to it. Like every process on this database this one sends what the
# outbox holds, and would drop what is for a channel it does not know.
router.namespace(Namespace("staff", lane=Lane.RELIABLE, keep=Keep(200, seconds=900)))
router.namespace(Namespace("state", lane=Lane.LATEST, keep=Keep(0, seconds=0)))
router.namespace(Namespace("comments", lane=Lane.SAMPLED, keep=Keep(50, seconds=60)))


class Board(Struct, frozen=True):
    board: str


class Weather(Struct, frozen=True):
    weather: str


@router.on_subscribe("deals")
async def board(connection: Connection, address: str) -> Board:
    if address == "busy":  # something happens while the room is asked
        await publish(f"deals:{address}", Told(n=0))
    return Board(f"board of {address}")


@router.on_subscribe("deals")
async def weather(connection: Connection, address: str) -> Weather:
    return Weather("fair")


class Mail(Struct, frozen=True):
    letters: int
    recovered: bool


@router.on_connect("mail")
async def mail(connection: Connection, data: object) -> Mail:
    if data == "busy":
        await publish(f"#{connection.user}", Told(n=99))
    return Mail(3, connection.recovered)
