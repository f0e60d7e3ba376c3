"""`souk start`: what `make run` does once everything is installed and built."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from config.demo.people import fill


class Command(BaseCommand):
    help = "Migrate, fill the demo shop when SOUK_DEMO=1, then serve."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        also: list[str] = []
        if settings.SOUK_DEMO:
            fill()
            also = ["demo"]
        call_command("serve", also=also)
