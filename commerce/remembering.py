"""What a process remembers of its answers, so that it need not look them up.

Only speed and politeness: what it forgets is found in the rows. Neighbour: teller.py.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from commerce.actions.deciding import HOLDERS, Answer, Answers, Asked, Name
from realtime.exceptions import CommandError

REMEMBERED_SECONDS = 60.0
REMEMBERED = 50_000


class Refusals:
    """What was refused in the last minute, so that a resend is refused alike."""

    def __init__(self) -> None:
        self._told: OrderedDict[Name, tuple[float, bytes, CommandError]] = OrderedDict()

    def keep(self, wish: Asked, answer: Answer) -> None:
        """Remember it, if it is a refusal that lasts."""
        if not isinstance(answer, CommandError) or answer.temporary:
            return
        if wish.name in self._told:
            return
        until = time.monotonic() + REMEMBERED_SECONDS
        self._told[wish.name] = until, wish.digest, answer
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)

    def of(self, wishes: Iterable[Asked]) -> Answers:
        now = time.monotonic()
        while self._told and next(iter(self._told.values()))[0] < now:
            self._told.popitem(last=False)
        found: Answers = {}
        for wish in wishes:
            if (told := self._told.get(wish.name)) is not None:
                found[wish.name] = told[1], told[2]
        return found


class Holders:
    """Buyers who ever took units of a stock row, as it was when it was empty.

    Only of them a key may have been answered with a hold, by whatever process. So all
    others may be refused without looking: see docs/decisions/0004.
    """

    def __init__(self) -> None:
        self.since = 0
        self._buyers: set[int] = set()
        self._too_many = False

    def add(self, found: Sequence[tuple[int, int]]) -> None:
        if found:
            self.since = found[-1][0]
            self._buyers.update(buyer for _, buyer in found)
        if len(found) == HOLDERS or len(self._buyers) > HOLDERS:
            self._too_many = True

    def __contains__(self, buyer: int) -> bool:
        return self._too_many or buyer in self._buyers
