"""`souk bus deals:42`: print what passes on a channel."""

import asyncio
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandParser

from realtime.broker import broker
from realtime.recovery import Publication


class Command(BaseCommand):
    help = "Print a channel's publications as they pass, until interrupted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", nargs="+")

    def handle(self, **options: Any) -> None:
        try:
            asyncio.run(self.listen(options["channel"]))
        except KeyboardInterrupt:
            self.stdout.write("")

    async def listen(self, channels: list[str]) -> None:
        broker().start(self.show, lambda: self.stdout.write("-- a new link"))
        await broker().subscribe(channels)
        await asyncio.Event().wait()

    def show(self, name: str, publication: Publication) -> None:
        data = msgspec.json.encode(msgspec.msgpack.decode(publication.data)).decode()
        self.stdout.write(f"{name} {publication.offset} {data}")
        self.stdout.flush()
