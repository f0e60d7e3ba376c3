"""A million attempts to buy while servers, the database and the store die.

    make soak NAME=sale
    python -m tests.soak.sale [--attempts 1000000] [--hours 4] [--seed 7]
        [--databases postgresql sqlite]

On each database: at least 200 kills of a server, 20 flushes of the store and, on
PostgreSQL, 20 immediate stops; the bank has a bad day throughout. If `--hours` are over
before all attempts are decided, the faults come sooner, and the number says so. The
last line is JSON, with one object a database beside the sums; exit 0 when all is well.
"""

import argparse
import json
import subprocess
import sys
from random import SystemRandom
from typing import Any

from tests.commerce.chaos.__main__ import command, environment, ground
from tests.commerce.chaos.plan import Plan

SUMS = (
    "attempts",
    "kills",
    "database_stops",
    "flushes",
    "oversold",
    "lost",
    "untold",
    "changed",
    "double_charged",
    "uncharged",
    "unreturned",
    "seconds",
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--attempts", type=int, default=1_000_000)
    options.add_argument("--hours", type=float, default=4.0)
    options.add_argument("--buyers", type=int, default=400)
    options.add_argument("--seed", default=str(SystemRandom().randrange(10**6)))
    options.add_argument("--databases", nargs="+", default=["postgresql", "sqlite"])
    given = options.parse_args()
    print(f"seed {given.seed}", flush=True)
    found = {name: sale(name, given) for name in given.databases}
    sums = {name: sum(one[name] for one in found.values()) for name in SUMS}
    print(json.dumps({"soak": "sale", **sums, "seed": given.seed, **found}))
    sys.exit(any(one["status"] for one in found.values()))


def sale(database: str, given: argparse.Namespace) -> dict[str, Any]:
    """One run; what it printed last, and its exit status."""
    faults = {"kill": 210, "flush": 22, "store": 5}
    if database == "postgresql":
        faults["stop"] = 21
    plan = Plan(
        seed=given.seed,
        servers=2,
        buyers=given.buyers,
        units=500,
        attempts=given.attempts,
        payers=5,
        hold_s=60,
        seconds=given.hours * 3600,
        faults=faults,
        failpoints=True,
    )
    print(f"{database}:", flush=True)
    with ground(database) as (folder, url):
        run = subprocess.Popen(
            command(plan, folder),
            env=environment(folder, url),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert run.stdout is not None
        last = "{}"
        for last in run.stdout:
            print(last, end="", flush=True)
        return {**json.loads(last), "status": run.wait()}


if __name__ == "__main__":
    main()
