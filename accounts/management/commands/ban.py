"""`souk ban NAME`: an account is shut; `souk ban NAME --lift`: it is open again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions import ban, lift_ban
from accounts.models import User


class Command(BaseCommand):
    help = "Shut an account: its sockets end, and it lets nobody in any more."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--lift", action="store_true", help="open it again")

    def handle(self, *, username: str, lift: bool, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no account {username}.")
        (lift_ban if lift else ban)(user.pk)
