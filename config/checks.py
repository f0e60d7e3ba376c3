"""Start-up checks of what the whole house needs."""

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def secret_is_given(**_: Any) -> list[CheckMessage]:
    """A key made by chance on each of several machines would sign nothing alike."""
    given = os.environ.get("SOUK_SECRET", "")
    if settings.DEBUG or len(given) >= 50:
        return []
    return [
        Error(
            "SOUK_SECRET is missing or shorter than 50 characters.",
            hint="Make one by secrets.token_urlsafe(48); keep it in the environment.",
            id="config.E001",
        )
    ]
