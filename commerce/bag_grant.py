"""Who wins several things at once: all lines of a bag, or none. Pure.

Neighbour: grant.py, which judges each line; one row and one line is its own matter.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from commerce.errors import TOO_MANY_HOLDS
from commerce.grant import Ask, Terms, Won, judge
from realtime.exceptions import REGISTRY, CommandError

Needs = Mapping[int, Mapping[int, int]]
"""Of each offer, the units of each stock row that one of it takes. A bundle takes
several rows'; several offers may take from one."""


def grant_bags(
    now: int,
    available: Mapping[int, int],
    needs: Needs,
    offers: Mapping[int, Terms],
    tallies: Mapping[tuple[int, int], int],
    holds: Mapping[int, Sequence[str]],
    bags: Sequence[Sequence[Ask]],
) -> tuple[list[list[Won] | CommandError], Counter[int]]:
    """Decide bags in their order: the price of each line or one refusal; units taken.

    The asks of a bag are of one buyer, one order, and of an offer each. `available` is
    by stock row. One bag too big does not keep a smaller one behind it from winning.
    """
    left = Counter(available)
    bought = dict(tallies)
    holding = {buyer: list(orders) for buyer, orders in holds.items()}
    verdicts: list[list[Won] | CommandError] = []
    for asks in bags:
        held = holding.setdefault(asks[0].buyer, [])
        rest = Counter(left)
        won: list[Won] = []
        refused: list[tuple[Ask, CommandError]] = []
        for ask in asks:
            terms = offers.get(ask.offer)
            have = bought.get((ask.offer, ask.buyer), 0)
            need = needs.get(ask.offer, {})
            most = min((rest[row] // qty for row, qty in need.items()), default=0)
            verdict = judge(now, most, terms, have, held, ask)
            if isinstance(verdict, Won):
                won.append(verdict)
                rest.subtract({row: qty * ask.qty for row, qty in need.items()})
            else:
                refused.append((ask, verdict))
        if refused:
            verdicts.append(_together(refused))
            continue
        verdicts.append(won)
        left = rest
        held.append(asks[0].order)
        for ask in asks:
            have = bought.get((ask.offer, ask.buyer), 0)
            bought[ask.offer, ask.buyer] = have + ask.qty
    taken = Counter({row: units - left[row] for row, units in available.items()})
    return verdicts, +taken


def _together(refused: Sequence[tuple[Ask, CommandError]]) -> CommandError:
    """The first line's refusal, with `lines`: all that were refused so, each with its
    own facts. What is said of the buyer names no lines.
    """
    first = refused[0][1]
    if first.code == TOO_MANY_HOLDS.code:
        return first
    lines = [
        {"offer": ask.offer, **error.data}
        for ask, error in refused
        if error.code == first.code
    ]
    return REGISTRY[first.code](**first.data, lines=lines)
