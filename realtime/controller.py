"""How much of a room's chatter is told when the process cannot keep up.

Pure: `step` goes from one second's setting to the next by what was measured. First the
tick grows, so more leaves with each send; then the budget of sampled publications
shrinks. Reliable lanes know none of this, exempt publications are never refused by it.
"""

from collections.abc import Sequence
from math import inf

from msgspec import Struct
from msgspec.structs import replace

from realtime.recovery import EXEMPT, Publication

TICK_MS, TICK_MAX_MS, TICK_STEP_MS = 50, 250, 50
LAG_SECONDS = 0.05
BEHIND = 0.05
LEAST_PER_SECOND = 5.0
SHRINK, GROW = 0.7, 1.2
HEALTHY_SECONDS = 5


class Setting(Struct, frozen=True):
    """`budget` is sampled publications a second; `healthy`, seconds without trouble."""

    tick_ms: int = TICK_MS
    budget: float = inf
    healthy: int = 0


class Sample(Struct, frozen=True):
    """What a second was like."""

    lag: float = 0.0
    """Seconds the loop was late."""
    longest: float = 0.0
    """Seconds the longest pass took."""
    behind: float = 0.0
    """Share of the viewers for whom something waits."""
    told: int = 0
    """Publications told, of those that count against the budget."""
    shed: int = 0


def step(before: Setting, sample: Sample) -> Setting:
    """The setting of the next second."""
    if (
        sample.lag > LAG_SECONDS
        or sample.longest > before.tick_ms / 2000
        or sample.behind > BEHIND
    ):
        return _less(before, sample)
    if before.healthy + 1 < HEALTHY_SECONDS:
        return replace(before, healthy=before.healthy + 1)
    return _more(before, sample)


def _less(before: Setting, sample: Sample) -> Setting:
    if before.tick_ms < TICK_MAX_MS:
        return replace(before, tick_ms=before.tick_ms + TICK_STEP_MS, healthy=0)
    now = min(before.budget, float(sample.told))
    return replace(before, budget=max(now * SHRINK, LEAST_PER_SECOND), healthy=0)


def _more(before: Setting, sample: Sample) -> Setting:
    if before.budget < inf:
        grown = before.budget * GROW if sample.shed else inf
        return replace(before, budget=grown, healthy=0)
    lower = max(before.tick_ms - TICK_STEP_MS, TICK_MS)
    return replace(before, tick_ms=lower, healthy=0)


def fair(publications: Sequence[Publication], allowed: int) -> list[Publication]:
    """All exempt ones and `allowed` of the others, evenly taken, in their order."""
    common = [p for p in publications if not p.flags & EXEMPT]
    if len(common) <= allowed:
        return list(publications)
    chosen = {id(common[i * len(common) // allowed]) for i in range(allowed)}
    return [p for p in publications if p.flags & EXEMPT or id(p) in chosen]
