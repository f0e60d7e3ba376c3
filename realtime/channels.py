"""From a channel's name to its namespace: the rooms' own, `#<user>` and `!control`."""

from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from realtime.exceptions import UNKNOWN_CHANNEL
from realtime.lanes import Keep, Lane, Namespace
from realtime.router import CommandRouter

PERSONAL = Namespace("#", lane=Lane.RELIABLE, keep=Keep(100, seconds=15 * 60))
CONTROL = Namespace("!control", lane=Lane.RELIABLE, keep=Keep(1000, seconds=10 * 60))
"""Between processes only: no client's channel can be spelled so."""


def root_router() -> CommandRouter:
    """The house's router, named by `SOUK_ROUTER`."""
    return _imported(settings.SOUK_ROUTER)


@cache
def _imported(path: str) -> CommandRouter:
    router = import_string(path)
    if not isinstance(router, CommandRouter):
        raise ImproperlyConfigured(f"SOUK_ROUTER: {path} is not a CommandRouter")
    return router


def personal(user: int) -> str:
    return f"#{user}"


def namespace_of(channel: str) -> Namespace:
    """Raises `UNKNOWN_CHANNEL` when no room declared it."""
    if channel.startswith("#"):
        return PERSONAL
    if channel == CONTROL.name:
        return CONTROL
    try:
        return root_router().namespaces[channel.partition(":")[0]]
    except KeyError:
        raise UNKNOWN_CHANNEL() from None
