"""The names comments carry, kept for a minute: a comment waits for no query."""

from accounts.models import User
from chat.readings import ByKey
from realtime import db
from realtime.loops import PerLoop

NAME_SECONDS = 60.0
NAMES = 10_000


def _read_name(user: int) -> str:
    return str(User.objects.only("name", "username").get(pk=user))


_names = PerLoop(lambda: ByKey(lambda user: db(_read_name, user), NAMES))


async def name_of(user: int) -> str:
    return await _names()[user].recent(NAME_SECONDS)
