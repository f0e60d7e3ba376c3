"""Start-up checks of what the room needs from its surroundings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def viewers_can_reach_the_media(**_: Any) -> list[CheckMessage]:
    """Behind a proxy the address that a request came to is not one to send media to."""
    if settings.DEBUG or settings.SOUK_MEDIA_ADDRESSES:
        return []
    return [
        Error(
            "SOUK_MEDIA_ADDRESSES is not set.",
            hint="Name the media process's public ones, as 203.0.113.7,2001:db8::7.",
            id="streams.E001",
        )
    ]
