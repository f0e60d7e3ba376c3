"""`souk web`: one process that serves pages and sockets. `souk serve` starts it."""

import asyncio
import os
import signal
import socket
from argparse import ArgumentParser
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from realtime import gauges
from realtime.admin_port import add_admin_port, admin_port
from realtime.doors import Limit
from realtime.router import Rate

GOODBYE_SECONDS = 1.5
LOCAL = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - names


class Command(BaseCommand):
    help = "Serve pages and sockets in this process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
        add_admin_port(parser)

    def handle(self, *, host: str, port: int, admin_port: int, **options: Any) -> None:
        listener = listen(host, port)
        # Imported here: it installs Twisted's reactor.
        from realtime.edges.daphne import LiveServer

        module, _, name = settings.ASGI_APPLICATION.rpartition(".")
        application = getattr(import_module(module), name)

        async def main(server: LiveServer) -> None:
            async with admin(admin_port):
                await serve(server, lambda: self.stdout.write(f"http://{host}:{at}"))

        at = listener.getsockname()[1]
        if "SOUK_URL" not in os.environ:
            # Where this very process is reached, for what calls the site itself.
            settings.SOUK_URL = f"http://{LOCAL.get(host, host)}:{at}"
        rate = settings.SOUK_ADDRESS_RATE
        limit = Limit(
            settings.SOUK_PROCESS_SOCKETS,
            settings.SOUK_ADDRESS_SOCKETS,
            Rate(rate, burst=5 * rate),
        )
        proxies = [ip_network(proxy, strict=False) for proxy in settings.SOUK_PROXIES]
        LiveServer(application, listener, limit, proxies).run_until(main)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket other web processes of ours may share."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "SO_REUSEPORT"):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.setblocking(False)  # Twisted takes it as it is
    listener.bind((host, port))
    # As many as the kernel allows: after a cut all come at once, and who finds it
    # full tries again after 1, 2, 4, 8 s.
    listener.listen(socket.SOMAXCONN)
    return listener


def admin(port: int) -> AbstractAsyncContextManager[None]:
    from realtime.process import process

    here = process()
    return admin_port(port, here.health, lambda: gauges.read(here.health, here.hub))


async def serve(server: Any, ready: Any) -> None:
    """Until SIGTERM or SIGINT; then everybody is told, over `SOUK_DRAIN_SECONDS`, and
    commands under way end. A second signal skips the wait.
    """
    from realtime.process import process
    from realtime.protocol import SHUTDOWN

    here = process()
    loop, over, hurry = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(
            number, lambda: (hurry if over.is_set() else over).set()
        )
    await here.start()
    server.listen()
    ready()
    await over.wait()
    here.health.draining = True
    server.stop_listening()
    window = loop.create_task(here.drain(SHUTDOWN, settings.SOUK_DRAIN_SECONDS))
    hurried = loop.create_task(hurry.wait())
    await asyncio.wait({window, hurried}, return_when=asyncio.FIRST_COMPLETED)
    window.cancel()
    hurried.cancel()
    here.dismiss(SHUTDOWN)
    await here.settle(GOODBYE_SECONDS)
    await server.closed(GOODBYE_SECONDS)
    await here.stop()
