"""Who may not broadcast."""

from django.db.models import Q
from django.db.models.functions import Now

from streams.clock import epoch_ms_or_none
from streams.errors import PUBLISH_BANNED
from streams.models import PublishBan


def refuse_banned(*users: int) -> None:
    """Raises PUBLISH_BANNED if one of them may not publish now."""
    held = PublishBan.objects.filter(user__in=users)
    ban = held.filter(Q(until=None) | Q(until__gt=Now())).first()
    if ban is not None:
        raise PUBLISH_BANNED(until=epoch_ms_or_none(ban.until))
