"""When what breaks: a function of the seed alone."""

from collections.abc import Mapping
from random import Random


def timetable(faults: Mapping[str, int], seed: str) -> list[tuple[float, str]]:
    """So many of each verb between 5 % and 95 % of a run, in order of time.

    Each kind has its own even slots with a place in them by chance, so that no seed
    puts all of them at once.
    """
    due: list[tuple[float, str]] = []
    for verb, times in faults.items():
        rng = Random(f"{seed}:{verb}")
        width = 0.9 / max(times, 1)
        due += [(0.05 + (n + rng.random()) * width, verb) for n in range(times)]
    return sorted(due)
