"""`souk serve`: everything on one machine, kept alive."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from realtime.embedded import Embedded
from realtime.supervisor import Child, Supervisor


class Command(BaseCommand):
    """Web processes share the port: the kernel deals connections out among them."""

    help = "Run store, web and media processes, and start again what dies."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", choices=["web", "media"], help="one role")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.SOUK_PORT)
        parser.add_argument(
            "--also",
            action="append",
            default=[],
            metavar="COMMAND",
            help="another souk command to keep alive, such as the demo",
        )

    def handle(self, **options: Any) -> None:
        web = ["web", "--host", options["host"], "--port", str(options["port"])]
        children = []
        if options["only"] != "media":
            children += [souk(*web, *admin(i)) for i in range(settings.SOUK_WEB)]
        if options["only"] != "web":
            after = range(settings.SOUK_WEB, settings.SOUK_WEB + settings.SOUK_MEDIA)
            children += [souk("media", *admin(i)) for i in after]
        also = [souk(*command.split(), for_ever=False) for command in options["also"]]
        embedded = None if settings.REDIS_URL else Embedded()
        order = [*(child.role for child in also), "web", "media"]
        sys.exit(Supervisor([*children, *also], embedded, order).run())


def admin(number: int) -> tuple[str, ...]:
    """Where the machine's process of this number tells how it is."""
    first = settings.SOUK_ADMIN_PORT
    return ("--admin-port", str(first + number)) if first else ()


def souk(*arguments: str, for_ever: bool = True) -> Child:
    """Another command of the program we were started as."""
    ours = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
    return Child(arguments[0], [sys.executable, *ours, *arguments], for_ever=for_ever)
