"""What tellers and the till have in common: a batch is decided, and all are answered.

Who is in a batch is theirs, and how it is decided.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from django.db import Error as DatabaseError

from commerce.actions.deciding import Answer, Answers, Asked
from commerce.remembering import Refusals
from realtime.exceptions import BUSY, CommandError

A = TypeVar("A", bound=Asked)
Waiting = tuple[A, asyncio.Future[Answer]]
Decide = Callable[[Sequence[A], Answers], Awaitable[Answers]]
"""Decides a batch, whose remembered refusals stand; its return means committed."""
log = logging.getLogger(__name__)

PAUSES = (0.01, 0.1, 0.5)
"""Before a batch whose commit failed, or is unknown, is tried again."""


async def serve(
    batch: Sequence[Waiting[A]], decide: Decide[A], refusals: Refusals
) -> None:
    """Decide a batch and tell each their answer; `BUSY` when the database does not let
    us finish. A refusal is remembered.
    """
    asked = [one for one, _ in batch]
    try:
        answers = await _decided(asked, decide, refusals.of(asked))
    except CommandError as error:
        answers = {one.name: (one.digest, error) for one in asked}
    except Exception as error:
        for _, waiter in batch:
            if not waiter.done():
                waiter.set_exception(error)
        return
    for one, waiter in batch:
        answer = one.told(answers)
        if answer is answers[one.name][1]:
            refusals.keep(one, answer)
        if not waiter.done():
            waiter.set_result(answer)


async def _decided(asked: Sequence[A], decide: Decide[A], refused: Answers) -> Answers:
    for pause in (*PAUSES, None):
        try:
            return await decide(asked, refused)
        except DatabaseError as error:
            # Unknown, or a key was used beside us: sent again, those who won are
            # answered from their orders.
            log.warning("batch of %d not decided: %s", len(asked), error)
            if pause is not None:
                await asyncio.sleep(pause)
    raise BUSY(retry_after_ms=1000)
