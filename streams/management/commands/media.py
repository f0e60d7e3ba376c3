"""`souk media`: one media process, until SIGTERM or SIGINT."""

import asyncio
import errno
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from realtime import gauges
from realtime.admin_port import add_admin_port, admin_port
from streams.node import Node


class Command(BaseCommand):
    help = "Forward WebRTC from hosts to viewers on one UDP port (SOUK_MEDIA_PORT)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_admin_port(parser)

    def handle(self, *, admin_port: int, **options: Any) -> None:
        asyncio.run(self._run(admin_port))

    async def _run(self, port: int) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)

        node = await first_free()

        def ready() -> None:
            self.stdout.write(f"media at UDP port {node.engine.port} as {node.name}")
            self.stdout.flush()

        async with admin_port(port, node.health, lambda: gauges.read(node.health)):
            await node.run(stop, ready)


async def first_free() -> Node:
    """Each of the machine's media processes has a port: the first one, or a next.

    Raises OSError when all are taken.
    """
    last = settings.SOUK_MEDIA_PORT + settings.SOUK_MEDIA - 1
    for port in range(settings.SOUK_MEDIA_PORT, last + 1):
        node = Node(port, settings.SOUK_MEDIA_ADDRESSES)
        try:
            await node.engine.start()
            return node
        except OSError as error:
            if error.errno != errno.EADDRINUSE or port == last:
                raise
    raise OSError(errno.EADDRINUSE, "SOUK_MEDIA is 0")
