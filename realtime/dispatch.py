"""From a method's name to its handler: known, well formed, signed in, not too often."""

from collections.abc import Awaitable, Callable
from typing import Any

from realtime.admission import take
from realtime.connection import Connection
from realtime.db import db
from realtime.exceptions import METHOD_NOT_FOUND, TOO_MANY_REQUESTS
from realtime.router import Command, CommandRouter, Handler, Rate
from realtime.store import Unavailable

Decode = Callable[[type[Command]], Command]


def plan(
    router: CommandRouter, connection: Connection, method: str, decode: Decode
) -> Callable[[], Awaitable[Any]]:
    """Check a call now; what is returned does it.

    Raises `METHOD_NOT_FOUND`, what `decode` raises, `UNAUTHORIZED`.
    """
    handler = router.handlers.get(method)
    if handler is None:
        raise METHOD_NOT_FOUND()
    command = decode(handler.command)
    if not handler.anonymous:
        _ = connection.user
    return lambda: _act(handler, connection, command)


async def _act(handler: Handler, connection: Connection, command: Command) -> Any:
    if handler.rate is not None and connection.viewer is not None:
        await _charge(connection.viewer, handler.method, handler.rate)
    if handler.is_async:
        return await handler.function(connection, command)
    return await db(handler.function, connection, command)


async def _charge(user: int, method: str, rate: Rate) -> None:
    """The bucket all connections of a user share. Without a store it lets pass."""
    try:
        wait = await take(user, method, rate)
    except Unavailable:
        return
    if wait:
        raise TOO_MANY_REQUESTS(retry_after_ms=wait)
