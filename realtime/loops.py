"""One of a thing for each event loop, and tasks that live and end together.

A web process has one loop, a test run one for each test; what holds a socket or a
waiter belongs to the loop it was made on. Pure but for asyncio.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

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


async def together(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run all until all end; the first failure, or our being cancelled, ends them.

    Raises that failure. Not `gather`: cancelled while a child fails, it raises the
    child's error, and the cancellation is lost.
    """
    tasks = [asyncio.create_task(each) for each in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Errands:
    """Tasks of one owner; whoever waits for one is told how it failed, nobody else."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # or it would be logged as never retrieved
