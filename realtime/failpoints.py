"""Places in product code where a test may kill the process: `name=kill@3`.

`SOUK_FAILPOINTS="messages.after_commit=kill@1"` ends the process by SIGKILL at the
first passing. Refused unless DEBUG is on; unarmed, a place costs a dictionary look-up.
"""

import os
import signal
from collections import Counter

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_passed: Counter[str] = Counter()


def _armed(text: str) -> dict[str, int]:
    """`a=kill@3,b=kill` as name → at which passing."""
    armed = {}
    for part in filter(None, text.split(",")):
        name, _, action = part.partition("=")
        verb, _, passing = action.partition("@")
        if verb != "kill":
            raise ImproperlyConfigured(f"SOUK_FAILPOINTS: {part!r} is not name=kill@N")
        armed[name] = int(passing or 1)
    return armed


_points = _armed(os.environ.get("SOUK_FAILPOINTS", ""))


def failpoint(name: str) -> None:
    """Die here if a test asked for it."""
    if name in _points:
        _strike(name)


def _strike(name: str) -> None:
    if not settings.DEBUG:
        raise ImproperlyConfigured("SOUK_FAILPOINTS is set, but DEBUG is off")
    _passed[name] += 1
    if _passed[name] == _points[name]:
        os.kill(os.getpid(), signal.SIGKILL)
