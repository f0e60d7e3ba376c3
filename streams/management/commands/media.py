"""`souk media`: one media process, until SIGTERM or SIGINT."""

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from streams.node import Node


class Command(BaseCommand):
    help = "Forward WebRTC from hosts to viewers on one UDP port (SOUK_MEDIA_PORT)."

    def handle(self, **options: Any) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        node = Node(settings.SOUK_MEDIA_PORT, settings.SOUK_MEDIA_ADDRESSES)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)

        def ready() -> None:
            self.stdout.write(f"media at UDP port {node.engine.port} as {node.name}")
            self.stdout.flush()

        await node.run(stop, ready)
