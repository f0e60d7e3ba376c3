"""`python -m tests.commerce.chaos`: one run, or a long one, on a database of its own.

    --database postgresql|sqlite  --seed 7  --servers 2  --buyers 200  --units 30
    --attempts 0  --kill 0 --stop 0 --flush 0 --store 0  --failpoints  --control X

The last line is JSON; exit 0 when nothing is wrong with it, else 1.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom

import msgspec

from tests.commerce.chaos.plan import Plan
from tests.postgres import Cluster, cluster

VERBS = ("kill", "stop", "flush", "store")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="postgresql")
    parser.add_argument("--plan", help="the plan as JSON, instead of what follows")
    parser.add_argument("--inside", default="", help=argparse.SUPPRESS)
    parser.add_argument("--seed", default=str(SystemRandom().randrange(10**6)))
    for name in ("servers", "buyers", "units", "attempts", "payers"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Plan(seed=""), name))
    parser.add_argument("--seconds", type=float, default=4.0)
    for verb in VERBS:
        parser.add_argument(f"--{verb}", type=int, default=0)
    parser.add_argument("--failpoints", action="store_true")
    parser.add_argument("--control", default="", choices=["careless", "forgetful"])
    given = parser.parse_args()
    plan = read(given)
    if given.inside:
        sys.exit(inside(plan, given.inside))
    print(f"seed {plan.seed}", flush=True)
    with ground(given.database) as (folder, url):
        sys.exit(subprocess.call(command(plan, folder), env=environment(folder, url)))


def read(given: argparse.Namespace) -> Plan:
    if given.plan:
        return msgspec.json.decode(given.plan, type=Plan)
    faults = {verb: getattr(given, verb) for verb in VERBS if getattr(given, verb)}
    names = set(Plan.__struct_fields__) - {"faults"}
    return Plan(faults=faults, **{name: getattr(given, name) for name in names})


@contextmanager
def ground(database: str) -> Iterator[tuple[Path, str]]:
    """A folder and a database that nobody else has, for one run."""
    with tempfile.TemporaryDirectory(prefix="souk-chaos-", dir="/var/tmp") as made:  # noqa: S108 - a disk, where /tmp may be memory
        folder = Path(made)
        if database == "sqlite":
            yield folder, f"sqlite:///{folder}/souk.sqlite3"
        else:
            with cluster() as running:
                yield folder, running.url


def command(plan: Plan, folder: Path) -> list[str]:
    module = [sys.executable, "-m", "tests.commerce.chaos"]
    text = msgspec.json.encode(plan).decode()
    return [*module, "--inside", str(folder), "--plan", text]


def environment(folder: Path, url: str) -> dict[str, str]:
    """What the run and its servers find: their own data, a long enough secret."""
    env = {name: value for name, value in os.environ.items() if name != "SOUK_URL"}
    return {
        **env,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SOUK_DATA": str(folder),
        "SOUK_DEBUG": "1",
        "SOUK_SECRET": "of-the-chaos-suite-alone-" + "x" * 40,
    }


def inside(plan: Plan, folder: str) -> int:
    """The run itself, in a process whose settings name its database."""
    if plan.control:
        os.environ["SOUK_ROUTER"] = f"tests.commerce.chaos.{plan.control}.router"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from tests.commerce.chaos.site import Site
    from tests.commerce.chaos.verdict import run

    settings.DEBUG = False  # else Django keeps every statement
    running = None
    if connection.vendor == "postgresql":
        running = Cluster(Path(connection.settings_dict["HOST"]))
    site = Site(
        Path(folder), plan.servers, plan.seed, running, failpoints=plan.failpoints
    )
    try:
        if "commerce_order" not in connection.introspection.table_names():
            call_command("migrate", verbosity=0)
        found = asyncio.run(run(plan, site))
    finally:
        site.close()
    print(msgspec.json.encode(found).decode(), flush=True)
    if wrong := found.wrong():
        print(f"WRONG {wrong}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
