"""S1–S5 and S24: buyers over real sockets, and what they were told beside what stands.

Each run is `python -m tests.commerce.chaos` with a fixed seed, on a database of its
own: it can be repeated from the line the test prints when it fails.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest

from tests.commerce.chaos.__main__ import command, environment
from tests.commerce.chaos.plan import Plan
from tests.postgres import Cluster, cluster

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

SECONDS = 280
"""A run takes about eight; on a machine that is many times overcommitted, more."""
BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"])


class Run(Protocol):
    """`run("sqlite", seed=…, kill=13)`: the JSON of a run, and its exit status."""

    def __call__(
        self, database: str, *, faults: dict[str, int] = ..., **plan: Any
    ) -> tuple[dict[str, Any], int]: ...


def migrate(folder: Path, url: str) -> None:
    """Make the tables once; each run begins with a copy."""
    migrating = [sys.executable, "-m", "config.cli", "migrate", "-v0"]
    subprocess.run(migrating, env=environment(folder, url), check=True)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster() as running:
        migrate(tmp_path_factory.mktemp("postgres"), running.url)
        yield running


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sqlite") / "souk.sqlite3"
    migrate(made.parent, f"sqlite:///{made}")
    return made


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    def ground(database: str) -> str:
        if database == "sqlite":
            shutil.copy(request.getfixturevalue("sqlite"), tmp_path)
            return f"sqlite:///{tmp_path}/souk.sqlite3"
        running: Cluster = request.getfixturevalue("postgres")
        name = f"run_{os.urandom(4).hex()}"
        running.run("createdb", "-h", str(running.folder), "-T", "souk", name)
        return running.url.replace("/souk?", f"/{name}?")

    def go(database: str, **plan: Any) -> tuple[dict[str, Any], int]:
        wanted = Plan(seed="20261125", **plan)
        url = ground(database)
        done = subprocess.run(
            command(wanted, tmp_path),
            env=environment(tmp_path, url),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        print(msgspec.json.encode(wanted).decode(), done.stdout, done.stderr)
        return json.loads(done.stdout.splitlines()[-1]), done.returncode

    return go


def test_a_hundred_units_make_a_hundred_holds_of_a_hundred_buyers(run: Run) -> None:
    """S1. Two servers, a rush of buyers who click up to three times."""
    told, status = run("postgresql", buyers=400, units=100, seconds=2)
    assert status == 0
    assert told["held"] == 100


def test_one_process_on_sqlite_sells_as_exactly(run: Run) -> None:
    """S5."""
    told, status = run("sqlite", servers=1, buyers=400, units=100, seconds=2)
    assert status == 0
    assert told["held"] == 100


@BOTH
def test_no_hold_is_lost_or_doubled_while_servers_are_killed(
    run: Run, database: str
) -> None:
    """S2. `kill -9` of one of three servers each 300 ms; half of those that come back
    die by themselves between commit and reply, before the commit, or while they tell.
    """
    told, status = run(
        database,
        servers=3,
        buyers=240,
        units=150,
        seconds=4.5,
        faults={"kill": 15},
        failpoints=True,
    )
    assert status == 0
    assert (told["kills"], told["held"]) == (15, 150)


def test_a_crashed_database_neither_loses_nor_doubles_a_hold(run: Run) -> None:
    """S3. PostgreSQL is stopped in the middle, three times: no checkpoint, no word."""
    told, status = run(
        "postgresql", buyers=240, units=150, seconds=4, faults={"stop": 3}
    )
    assert status == 0
    assert (told["database_stops"], told["held"]) == (3, 150)


def test_an_emptied_and_a_killed_store_cost_no_unit(run: Run) -> None:
    """S4. FLUSHALL twice, and the store dies."""
    told, status = run(
        "postgresql",
        buyers=240,
        units=150,
        seconds=3,
        faults={"flush": 2, "store": 1},
    )
    assert status == 0
    assert (told["flushes"], told["store_kills"], told["held"]) == (2, 1, 150)


@pytest.mark.parametrize(
    ("database", "faults"),
    [("sqlite", {"kill": 4, "flush": 1}), ("postgresql", {"kill": 4, "stop": 1})],
)
def test_money_is_taken_once_while_bank_servers_and_database_have_a_bad_day(
    run: Run, database: str, faults: dict[str, int]
) -> None:
    """News comes twice, shuffled, late or not at all; the bank refuses calls, or does
    them and never answers. What it has in the end is what orders cost.
    """
    told, status = run(
        database,
        buyers=40,
        units=60,
        attempts=500,
        payers=50,
        seconds=30,
        faults=faults,
        failpoints=True,
    )
    assert status == 0
    assert told["paid"] > 10


@BOTH
def test_control_without_the_lock_the_suite_reports_what_was_oversold(
    run: Run, database: str
) -> None:
    """S24. The tellers sell from a row read a moment ago, and no CHECK stops them."""
    told, status = run(database, buyers=150, units=30, seconds=2, control="careless")
    assert status == 1
    assert told["oversold"] > 0
    assert any(line.startswith("I2 ") for line in told["audit"])


def test_control_answers_before_the_commit_are_reported_as_lost(run: Run) -> None:
    """A teller that tells first, and does not always do what it told."""
    told, status = run("sqlite", buyers=60, units=30, seconds=1, control="forgetful")
    assert status == 1
    assert told["lost"] + told["changed"] > 0
