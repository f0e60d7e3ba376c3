"""How often a user has signed out: a token from before the last time is void.

Realtime knows no users. `SOUK_SIGN_OUTS` names the function that does: `(users) →
{user: times}`, without those who may not come in at all, run in a database thread.
Empty: nobody ever signs out. Neighbour: tokens.py, whose tokens carry the number.
"""

import asyncio
import logging
from itertools import islice

from django.conf import settings
from django.db import Error as DatabaseError
from django.utils.module_loading import import_string

from realtime.db import db
from realtime.exceptions import UNAVAILABLE, CommandError
from realtime.loops import PerLoop

logger = logging.getLogger(__name__)

TOGETHER = 500
"""Users asked for by one query."""


class SignOuts:
    """Asks for many at once, so that a storm of returning clients costs few queries.

    Who asks while a query runs is answered by the next one, never by that one: what
    was committed before the question is in the answer.
    """

    def __init__(self) -> None:
        self._asked: dict[int, asyncio.Future[int | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def of(self, user: int) -> int | None:
        """None: this user may not come in. Raises `UNAVAILABLE`, `BUSY`."""
        if not settings.SOUK_SIGN_OUTS:
            return 0
        loop = asyncio.get_running_loop()
        answer = self._asked.setdefault(user, loop.create_future())
        if self._asking is None:
            self._asking = loop.create_task(self._ask())
        return await asyncio.shield(answer)

    async def _ask(self) -> None:
        while self._asked:
            users = list(islice(self._asked, TOGETHER))
            answers = {user: self._asked.pop(user) for user in users}
            try:
                found = await db(import_string(settings.SOUK_SIGN_OUTS), users)
            except Exception as error:
                if not isinstance(error, DatabaseError | CommandError):
                    logger.exception("sign-outs of %d users", len(users))
                told = error if isinstance(error, CommandError) else UNAVAILABLE()
                for answer in answers.values():
                    answer.set_exception(told)
                    answer.exception()  # also where nobody waits any more
            else:
                for user, answer in answers.items():
                    answer.set_result(found.get(user))
        self._asking = None


sign_outs = PerLoop(SignOuts)
"""The running loop's."""
