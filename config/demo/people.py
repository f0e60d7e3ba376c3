"""The demo's accounts: no password, so only the demo's one-click door opens them."""

from pathlib import Path

from django.conf import settings

from accounts.models import User
from config.demo import pictures
from config.demo.lines import HOSTS, VIEWERS


def pictures_folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "demo"


def fill() -> None:
    """Make what is missing: accounts and pictures. A second call changes nothing.

    Shop, goods and the show are made by the demo host itself, through the socket.
    """
    pictures.write_all(pictures_folder())
    for username, name in (*((h[0], h[1]) for h in HOSTS), *VIEWERS):
        if not User.objects.filter(username=username).exists():
            User.objects.create_user(username, name=name)
