"""One of a thing for each event loop.

A web process has one loop, a test run one for each test; what holds a socket or a
waiter belongs to the loop it was made on. Pure but for asyncio.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """`store = PerLoop(Store)`; `store()` is the running loop's, made when first asked.

    Raises RuntimeError outside a loop.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[asyncio.AbstractEventLoop, T] = {}

    def __call__(self) -> T:
        loop = asyncio.get_running_loop()
        if loop not in self._made:
            for ended in [other for other in self._made if other.is_closed()]:
                del self._made[ended]
            self._made[loop] = self._make()
        return self._made[loop]

    def drop(self) -> T | None:
        """Forget the running loop's, for whoever closes it."""
        return self._made.pop(asyncio.get_running_loop(), None)
