"""`souk reconcile PROVIDER`: our books and the provider's, after a restore."""

import asyncio
import sys
import time
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandParser

from commerce.actions.reconciling import Gap, close, strangers
from commerce.providers import ASKED, provider
from commerce.providers.protocol import Past, Provider, ProviderDown
from commerce.states import OPEN
from realtime.exceptions import CommandError

DAY = 86_400


class Command(BaseCommand):
    """Each gap is printed and closed; run again, there is none.

    Charges that we lost pay their orders, or go back as late money; refunds that we
    lost are written again, and not sent again; what was paid for an order that we lost
    goes back. Exit 0 all closed, 1 some wait for a person, 2 the provider is away.
    """

    help = "Close the gaps between our books and a provider's, after a restore."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", choices=sorted(ASKED))
        parser.add_argument("--days", type=int, default=30, help="how far back: 30")
        parser.add_argument("--json", action="store_true", help="one object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        name, since = options["provider"], int(time.time()) - options["days"] * DAY
        waits = False
        try:
            by = provider(name)
            history = asyncio.run(_all(by, since))
            for past in history:
                gaps = close(name, past)
                if gaps is None:
                    gaps = asyncio.run(_send_away(by, past))
                waits |= self._tell(gaps, options["json"])
            seen = {past.ref for past in history}
            waits |= self._tell(strangers(name, since, seen), options["json"])
        except (ProviderDown, CommandError) as error:
            self.stderr.write(f"not finished: {error!r}")
            sys.exit(2)
        if waits:
            sys.exit(1)

    def _tell(self, gaps: list[Gap], as_json: bool) -> bool:
        """Print them; whether one waits for a person."""
        for gap in gaps:
            line = msgspec.json.encode(gap).decode() if as_json else str(gap)
            self.stdout.write(line)
        return any(gap.open for gap in gaps)


async def _all(by: Provider, since: int) -> list[Past]:
    return [past async for past in by.history(since)]


async def _send_away(by: Provider, past: Past) -> list[Gap]:
    """Nobody here is owed what this paid for: end it, and give all of it back."""
    charge = past.charge
    if charge.state in OPEN:
        charge = await by.cancel(past.ref, f"cancel:{past.key}")
    back = sum(one.amount for one in past.refunds if one.payback.state != "failed")
    rest = charge.amount - back if charge.state == "settled" else 0
    if rest > 0:
        await by.refund(past.ref, rest, f"lost:{past.ref}", "late")
    what = "of an order we do not have: sent back"
    if rest == 0:
        what = "of an order we do not have: ended"
    if rest == 0 and charge == past.charge:
        return []
    return [Gap(what, past.ref, "", rest, charge.currency)]
