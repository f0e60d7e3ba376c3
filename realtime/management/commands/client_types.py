"""`souk client_types`: what the socket speaks, as TypeScript."""

from typing import Any

from django.core.management.base import BaseCommand

from realtime.channels import root_router
from realtime.client_types import written


class Command(BaseCommand):
    help = "Print the socket's commands, replies and events as TypeScript."

    def handle(self, **options: Any) -> None:
        self.stdout.write(written(root_router()), ending="")
