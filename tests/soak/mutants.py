"""Does the hub's random walk find mistakes? Each is made on purpose, in a copy.

    make soak NAME=mutants
    python -m tests.soak.mutants [--runs 1000]

A mistake that `--runs` runs do not find is printed, and the exit status is 1. The last
line is JSON: how many there are, and which were missed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[2]
WALK = """
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.realtime.test_hub_model import TestWalk, Walk

how = settings(
    TestWalk.settings, max_examples={runs}, phases=[Phase.generate], database=None
)
run_state_machine_as_test(Walk, settings=how)
"""


class Mutant(Struct, frozen=True):
    name: str
    file: str
    before: str
    after: str


MUTANTS = [
    Mutant(*told)
    for told in (
        (
            "what was told before the reply is told after it",
            "hub.py",
            "Position(max(start.offset, channel.sent), channel.epoch)",
            "Position(0, channel.epoch)",
        ),
        (
            "who joined in mid-pass is told it all",
            "pump.py",
            "had = self.batch.had(member)",
            "had = 0",
        ),
        (
            "who was told elsewhere is told again",
            "hub.py",
            "member.ahead = start.offset > channel.sent",
            "member.ahead = False",
        ),
        (
            "who left keeps its slot",
            "bucket.py",
            "self.fds[member.slot] = -1\n        self.members",
            "self.members",
        ),
        (
            "a hole is skipped",
            "hub.py",
            "== channel.top + 1:\n            channel.take(publication)\n        elif",
            "> channel.top:\n            channel.take(publication)\n        elif",
        ),
        (
            "an epoch ends untold",
            "hub.py",
            "self._pump.flush(channel)\n        channel.adopt",
            "pass\n        channel.adopt",
        ),
        (
            "a hole that cannot be filled is kept quiet",
            "hub.py",
            "key.insufficient(channel.name)",
            "pass",
        ),
        (
            "a hole at the end of an epoch is kept quiet",
            "hub.py",
            "self.lose(channel, held.position)\n            return",
            "self.turn(channel, held.position.epoch)",
        ),
        (
            "a late value replaces a newer one",
            "channel.py",
            "return -1 < version(value) < version(held)",
            "return False",
        ),
        (
            "state read anew forgets what was to be told",
            "hub.py",
            "before = dict(channel.state)",
            "before = dict(channel.state)\n        channel.changed.clear()",
        ),
        (
            "recovery does not look at the epoch",
            "recovery.py",
            "if since.epoch != epoch:",
            "if False:",
        ),
        (
            "recovery does not look how far history reaches",
            "recovery.py",
            "if not self._held or self._held[0].offset > after + 1:",
            "if not self._held:",
        ),
        (
            "a cut frame is not finished first",
            "backlog.py",
            "if self._cut:",
            "if self._cut and not self._reliable:",
        ),
        (
            "what waits of a channel that was left is sent",
            "backlog.py",
            "self._reliable = [f for f in self._reliable if f.channel != channel]",
            "pass",
        ),
        (
            "what a slow viewer is not told is not counted",
            "backlog.py",
            "self._shed[victim.channel] = shed + victim.count",
            "pass",
        ),
        (
            "what a crowd is not told is not counted",
            "channel.py",
            "messages.append(hidden(codec, self._name, self.shed))",
            "pass",
        ),
        (
            "a state that waits is forgotten",
            "backlog.py",
            "self._stale[frame.channel] = None",
            "pass",
        ),
    )
]


def found(mutant: Mutant, runs: int) -> bool:
    """Whether a walk over the mistaken copy fails."""
    with tempfile.TemporaryDirectory(prefix="souk-mutant-") as folder:
        copy = Path(folder) / "realtime"
        shutil.copytree(ROOT / "realtime", copy)
        place = copy / mutant.file
        source = place.read_text()
        if source.count(mutant.before) != 1:
            sys.exit(f"{mutant.name}: not once in {mutant.file}")
        place.write_text(source.replace(mutant.before, mutant.after))
        done = subprocess.run(
            [sys.executable, "-c", WALK.format(runs=runs)],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": f"{folder}:{ROOT}",
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "SOUK_DEBUG": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    return done.returncode != 0 and "Failing test case" in done.stderr


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=1000)
    given = options.parse_args()
    missed = []
    for mutant in MUTANTS:
        if found(mutant, given.runs):
            print(f"found   {mutant.name}", flush=True)
        else:
            print(f"MISSED  {mutant.name}", flush=True)
            missed.append(mutant.name)
    print(json.dumps({"soak": "mutants", "mutants": len(MUTANTS), "missed": missed}))
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
