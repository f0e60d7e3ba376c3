"""`once` for what moves units: the rows that got any are told to the tellers after it.

Neighbours: handlers and paying.py, which call it on the loop.
"""

from collections.abc import Callable
from typing import TypeVar

from realtime import Mutation, db, once

T = TypeVar("T")


async def once_touching(
    user: int,
    command: Mutation,
    reply: type[T],
    act: Callable[[], tuple[T, list[int]]],
) -> tuple[T, list[int]]:
    """The reply of `act`, and the stock rows it touched; none when it is a resend.

    Raises what `once` does.
    """
    touched: list[int] = []

    def acted() -> T:
        made, rows = act()
        touched[:] = rows
        return made

    return await db(once, user, command, reply, acted), touched
