"""Questions from web processes to a media process, over the store; both ends.

A call is pushed on the node's list and answered on the asking process's own. Past its
deadline it is dropped unexecuted, so that a POST answered 503 leaves no ghost; what
SQL says stays true whether or not a call arrives (`node.py` compares).
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from realtime import Unavailable, store_key
from realtime.lists import pop, push
from realtime.loops import PerLoop
from streams.media.contract import Refused

log = logging.getLogger(__name__)

SECONDS = 3.0
KEEP_MS = 6_000
WAITING = 1_000
READ_SECONDS = 1.0


class Publish(Struct, frozen=True, tag_field="do", tag="publish"):
    """The media engine's `publish`; answered by an `Answer`."""

    ingest: str
    stream: int
    generation: int
    codec: str | None
    max_kbps: int
    via: str
    sdp_offer: str


class Play(Struct, frozen=True, tag_field="do", tag="play"):
    """The engine's `play`; answered by an `Answer`. `user` is None for a bare player,
    0 for a page whose viewer is not signed in."""

    session: str
    stream: int
    user: int | None
    via: str
    sdp_offer: str


class Patch(Struct, frozen=True, tag_field="do", tag="patch"):
    """A trickle fragment or an ICE restart; answered by a `Fragment` or null."""

    session: str
    if_match: str | None
    fragment: str


class Close(Struct, frozen=True, tag_field="do", tag="close"):
    """End a session; answered by whether there was one."""

    session: str
    reason: str


class Stop(Struct, frozen=True, tag_field="do", tag="stop"):
    """End all sessions of a stream."""

    stream: int
    reason: str


class Stats(Struct, frozen=True, tag_field="do", tag="stats"):
    """Answered by `StreamStats`."""

    stream: int


Do = Publish | Play | Patch | Close | Stop | Stats


class Call(Struct, frozen=True):
    """`reply` is the list to answer on ("": nobody waits), `deadline` epoch ms."""

    id: str
    reply: str
    deadline: int
    do: Do


class Answered(Struct, frozen=True):
    """A call's result, or a refusal of `media/contract.py` by name and facts."""

    id: str
    value: Any = None
    refused: str | None = None
    data: dict[str, Any] = {}


class Declined(Exception):
    """The node refused; `name` and `data` are those of its `Refused`."""

    def __init__(self, name: str, data: dict[str, Any]) -> None:
        super().__init__(name, data)
        self.name = name
        self.data = data


T = TypeVar("T")
encode = msgspec.msgpack.encode
decode_call = msgspec.msgpack.Decoder(Call).decode
decode_answer = msgspec.msgpack.Decoder(Answered).decode


def node_list(node: str) -> str:
    return store_key(f"node:{node}", "calls")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Caller:
    """The asking end: one list for this process, read while anything is awaited."""

    def __init__(self) -> None:
        self.list = store_key(f"asker:{secrets.token_urlsafe(9)}", "answers")
        self._awaited: dict[str, asyncio.Future[Answered]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def ask(self, node: str, do: Do, result: Any) -> Any:
        """What the node answers, as a `result`.

        Raises `Declined` if it refuses, `Unavailable` without an answer in 3 s.
        """
        if len(self._awaited) >= WAITING:
            raise Unavailable
        call = _call(do, self.list)
        future = asyncio.get_running_loop().create_future()
        self._awaited[call.id] = future
        try:
            async with asyncio.timeout(SECONDS):
                await _send(node, call)
                if self._reader is None:
                    self._reader = asyncio.create_task(self._read())
                answered = await future
        except TimeoutError:
            raise Unavailable from None
        finally:
            del self._awaited[call.id]
        if answered.refused is not None:
            raise Declined(answered.refused, answered.data)
        return msgspec.convert(answered.value, result)

    async def _read(self) -> None:
        try:
            while self._awaited:
                message = await pop(self.list, seconds=READ_SECONDS)
                if message is not None:
                    self._hand_out(decode_answer(message))
        except Unavailable:
            log.warning("no answers: the store is away")
        finally:
            self._reader = None

    def _hand_out(self, answered: Answered) -> None:
        future = self._awaited.get(answered.id)
        if future is not None and not future.done():
            future.set_result(answered)


async def tell(node: str, do: Do) -> None:
    """Have it done, wait for nothing. Raises `Unavailable` without a store."""
    await _send(node, _call(do, ""))


def _call(do: Do, reply: str) -> Call:
    deadline = _now_ms() + int(SECONDS * 1000)
    return Call(secrets.token_urlsafe(9), reply, deadline, do)


async def _send(node: str, call: Call) -> None:
    await push(node_list(node), encode(call), keep_ms=KEEP_MS)


caller = PerLoop(Caller)
"""The running loop's."""


async def serve(node: str, execute: Callable[[Do], Awaitable[Any]]) -> None:
    """The answering end: take calls one by one until cancelled."""
    while True:
        try:
            message = await pop(node_list(node), seconds=READ_SECONDS)
            if message is not None:
                await _answer(decode_call(message), execute)
        except Unavailable:
            await asyncio.sleep(0.2)
        except msgspec.DecodeError:
            log.exception("a call that is none")


async def _answer(call: Call, execute: Callable[[Do], Awaitable[Any]]) -> None:
    if _now_ms() > call.deadline:
        log.warning("late call dropped: %s", type(call.do).__name__)
        return
    try:
        answered = Answered(call.id, value=await execute(call.do))
    except Refused as refused:
        answered = Answered(call.id, refused=refused.name, data=refused.data)
    except Exception:
        log.exception("%s failed", type(call.do).__name__)
        answered = Answered(call.id, refused="internal")
    if call.reply:
        await push(call.reply, encode(answered), keep_ms=KEEP_MS)
