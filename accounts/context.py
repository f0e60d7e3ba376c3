"""What every page may show of accounts."""

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.http import HttpRequest

from accounts.models import User


def demo_people(request: HttpRequest) -> dict[str, Any]:
    """`demo_people`: who may be taken by one click; empty unless SOUK_DEMO=1."""
    if not settings.SOUK_DEMO:
        return {}
    without = User.objects.filter(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return {"demo_people": without.order_by("id")}
