"""`souk demo`: the demo's host and crowd, as clients of a running Souk."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from websockets.exceptions import WebSocketException

from config.demo import crowd, show
from config.demo.lines import VIEWERS
from realtime.testing import Closed, Refused

Act = Callable[[], Coroutine[Any, Any, None]]
LOST = (httpx.HTTPError, WebSocketException, OSError, TimeoutError, Refused, Closed)


class Command(BaseCommand):
    help = "Play the demo's host and viewers against SOUK_URL until told to stop."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SOUK_DEMO:
            raise CommandError("the demo plays only with SOUK_DEMO=1")
        asyncio.run(self.play())

    async def play(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        acts: list[Act] = [
            show.evening,
            *(partial(crowd.visit, who) for who, _ in VIEWERS),
        ]
        tasks = [asyncio.create_task(self.again(act)) for act in acts]
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def again(self, act: Act) -> None:
        """Begin anew whenever an act ends or its connection is lost."""
        while True:
            try:
                await act()
            except* LOST as lost:
                for error in lost.exceptions:
                    self.stderr.write(f"demo: {type(error).__name__}: {error}")
            await asyncio.sleep(2)
