"""The rooms of the servers that are broken here.

Their channels have names of the house's, so that any server on the same database may
send what an outbox row of theirs holds.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.db import connection as database
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from msgspec import Struct

from accounts.models import User
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
    db,
    once,
    publish,
    publish_on_commit,
)
from realtime.exceptions import NOT_FOUND

HELD_SECONDS = 60.0
_let_go = threading.Event()

router = CommandRouter()
router.namespace(Namespace("deals", lane=Lane.RELIABLE, keep=Keep(2000, seconds=900)))
router.namespace(Namespace("state", lane=Lane.LATEST, keep=Keep(0, seconds=0)))
router.namespace(Namespace("comments", lane=Lane.SAMPLED, keep=Keep(50, seconds=60)))


def _only_staff(user: int) -> None:
    if not User.objects.filter(pk=user, is_staff=True).exists():
        raise NOT_FOUND()


async def only_staff(connection: Connection, address: str) -> None:
    await db(_only_staff, connection.user)


router.namespace(
    Namespace(
        "staff",
        lane=Lane.RELIABLE,
        keep=Keep(200, seconds=900),
        authorize=only_staff,
    )
)


class Told(Event, frozen=True, tag="told"):
    n: int
    text: str = ""


class Price(Latest, frozen=True):
    amount: int

    @property
    def key(self) -> str:
        return "price"


class SetPrice(Command, frozen=True, tag="price.set"):
    channel: str
    amount: int


class Done(Struct, frozen=True):
    n: int = 0


class Tell(Command, frozen=True, tag="tell.all"):
    """Publish the next numbers on a channel."""

    channel: str
    first: int
    count: int = 1
    text: str = ""


class Post(Mutation, frozen=True, tag="post.letter"):
    """Publish by the outbox, once for its key."""

    channel: str
    n: int


class Who(Command, frozen=True, tag="who.serves"):
    """The number of this process."""


class Query(Command, frozen=True, tag="query.rows"):
    """Ask the database; or hold a thread and a connection until `let.go`."""

    held: bool = False


class Spin(Command, frozen=True, tag="spin.round"):
    """Be busy in Python: on the loop, or beside it until `let.go`."""

    seconds: float
    beside: bool = False


class Hold(Command, frozen=True, tag="hold.on"):
    """From now on there is something to let go."""


class LetGo(Command, frozen=True, tag="let.go"):
    """End what is held, or is busy beside the loop."""


class Asked(Command, frozen=True, tag="asked.of"):
    """What the database was asked, and how often, since the last time."""


class Statements(Struct, frozen=True):
    counts: dict[str, int]


@router.handles(anonymous=True)
async def tell(connection: Connection, command: Tell) -> Done:
    for n in range(command.first, command.first + command.count):
        await publish(command.channel, Told(n=n, text=command.text))
    return Done(command.count)


@router.handles(anonymous=True)
async def set_price(connection: Connection, command: SetPrice) -> Done:
    await publish(command.channel, Price(amount=command.amount))
    return Done()


@router.handles()
def post(connection: Connection, command: Post) -> Done:
    def act() -> Done:
        publish_on_commit(command.channel, Told(n=command.n))
        return Done(command.n)

    return once(connection.user, command, Done, act)


@router.handles(anonymous=True)
async def who(connection: Connection, command: Who) -> Done:
    return Done(os.getpid())


@router.handles(anonymous=True)
def query(connection: Connection, command: Query) -> Done:
    with database.cursor() as cursor:
        if command.held:
            _let_go.wait(HELD_SECONDS)
        cursor.execute("SELECT COUNT(*) FROM accounts_user")
        return Done(cursor.fetchone()[0])


def spin_until(end: float) -> None:
    while time.monotonic() < end and not _let_go.is_set():
        pass


@router.handles(anonymous=True)
async def spin(connection: Connection, command: Spin) -> Done:
    _let_go.clear()
    end = time.monotonic() + command.seconds
    if command.beside:
        threading.Thread(target=spin_until, args=(end,), daemon=True).start()
    else:
        spin_until(end)
    return Done()


@router.handles(anonymous=True)
async def let_go(connection: Connection, command: LetGo) -> Done:
    _let_go.set()
    return Done()


@router.handles(anonymous=True)
async def hold_again(connection: Connection, command: Hold) -> Done:
    _let_go.clear()
    return Done()


_asked: Counter[str] = Counter()


def _note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
    _asked[" ".join(sql.replace("%s, ", "").split())[:300]] += 1
    return execute(sql, *rest)


@receiver(connection_created)
def _watch(connection: BaseDatabaseWrapper, **_: object) -> None:
    connection.execute_wrappers.append(_note)


@router.handles(anonymous=True)
async def asked(connection: Connection, command: Asked) -> Statements:
    told = dict(_asked)
    _asked.clear()
    return Statements(told)
