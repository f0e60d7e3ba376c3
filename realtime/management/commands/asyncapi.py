"""`souk asyncapi`: what the socket speaks, as AsyncAPI 3 in JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from realtime.asyncapi import document
from realtime.channels import root_router
from realtime.welcome import VERSION


class Command(BaseCommand):
    help = "Print the socket's commands, replies, events and errors as AsyncAPI 3."

    def handle(self, **options: Any) -> None:
        described = document(root_router(), VERSION)
        self.stdout.write(json.dumps(described, indent=1, ensure_ascii=False))
