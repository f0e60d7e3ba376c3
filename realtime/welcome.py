"""connect: whom a socket speaks for, what it missed, and what the rooms tell it.

`#<user>` is begun before the hooks are asked and joined when the reply leaves, so no
message falls between a room's snapshot and the first push.
"""

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings

from realtime import tokens
from realtime.connection import Connection
from realtime.exceptions import UNAUTHORIZED, UNAVAILABLE
from realtime.frames import Frame
from realtime.pending import Answer
from realtime.process import Process
from realtime.protocol import (
    INVALID_TOKEN,
    Closing,
    Connect,
    Connected,
    Empty,
    Refresh,
    Refreshed,
    Subscribed,
)
from realtime.recovery import Position, Recovered
from realtime.subscriptions import Subscriptions, builtins

VERSION = "souk 0.1"
HOOKS_SECONDS = 2.0


async def welcome(
    process: Process,
    wish: Connect,
    address: str,
    seat: Callable[[Connection], Subscriptions],
) -> tuple[Subscriptions, Answer]:
    """Who connects, with `#<user>` joined: the caller sends the answer at once.

    `seat` makes the channels of the socket for whom it turns out to speak for.

    Raises `TOKEN_EXPIRED`, `UNAUTHORIZED`, `Closing`, `Unavailable`, `BUSY`, and
    what a room's hook refuses with.
    """
    grant = await tokens.redeem(wish.token) if wish.token else None
    viewer = grant.holder.user if grant else None
    if viewer is None and not settings.SOUK_ANONYMOUS:
        raise UNAUTHORIZED()
    connection = Connection(secrets.token_urlsafe(12), viewer, address)
    connection.sign_outs = grant.holder.sign_outs if grant else 0
    here = seat(connection)
    data: dict[str, Any] = {}
    subs: dict[str, Subscribed] = {}
    then: Sequence[Frame] = ()
    if grant is None:
        data |= await _tell(process, connection, wish)
    else:
        channel, start = await here.begin_personal(_since(wish, f"#{viewer}"))
        connection.recovered = isinstance(start.recovered, Recovered)
        data |= await _tell(process, connection, wish)
        connection.until = _until(grant.ttl)
        if not grant.ttl:  # else whoever signed it decides how long
            data["resume"] = tokens.issue_resume(grant.holder)
        joined = here.complete(channel, start)
        subs, then = {channel.name: joined.body}, joined.then
    data["now"] = int(time.time() * 1000)
    ping, ttl = settings.SOUK_PING_SECONDS, grant.ttl if grant else 0
    body = Connected(
        connection.client, VERSION, ping, True, ttl > 0, ttl, subs=subs, data=data
    )
    return here, Answer(body, then)


def _since(wish: Connect, name: str) -> Position | None:
    sub = wish.subs.get(name)
    if sub is None or not sub.recover:
        return None
    return Position(sub.offset, sub.epoch)


async def _tell(
    process: Process, connection: Connection, wish: Connect
) -> dict[str, Any]:
    """What the rooms say to those who asked for it under their name."""
    asked = wish.data or {}
    hooks = {
        name: hook
        for name, hook in process.router.connect_hooks.items()
        if asked.get(name)
    }
    if not hooks:
        return {}
    try:
        async with asyncio.timeout(HOOKS_SECONDS):
            parts = await asyncio.gather(
                *(hook(connection, asked[name]) for name, hook in hooks.items())
            )
    except TimeoutError:
        raise UNAVAILABLE() from None
    told = zip(hooks, parts, strict=True)
    return {name: builtins(part) for name, part in told if part is not None}


async def refresh(here: Subscriptions, wish: Refresh) -> Answer:
    """A newer token of the same user: from now on the socket lives as long as that."""
    grant = await tokens.redeem(wish.token)
    if grant.holder.user != here.connection.viewer:
        raise Closing(INVALID_TOKEN)
    here.connection.sign_outs = grant.holder.sign_outs
    here.connection.until = _until(grant.ttl)
    return Answer(Refreshed(here.connection.client, VERSION, grant.ttl > 0, grant.ttl))


def _until(ttl: int) -> float:
    """When a socket is over whose token is not renewed: its client has time to try."""
    if not ttl:
        return math.inf
    return asyncio.get_running_loop().time() + ttl + settings.SOUK_PING_SECONDS


async def pong(_: Subscriptions, __: Empty) -> Answer:
    return Answer(Empty())
