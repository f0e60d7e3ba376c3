"""Autobahn's cases against a server: how each ended, as JSON.

    python -m tests.conformance.cases ws://127.0.0.1:9001 8 "1.*" "6.12.*"

In a process of its own: the cases bring a package by the name of `autobahn`.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence

from msgspec import Struct

RFC_6455 = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
RUN_SECONDS = 600


class Verdict(Struct, frozen=True):
    """How one case ended; `code` is the close code it got, 0: none."""

    case: str
    passed: bool
    behavior: str
    close: str
    code: int
    why: str


def verdicts(url: str, cases: Sequence[str], at_once: int = 8) -> list[Verdict]:
    """Run cases (`*` stands for any) on `url`, a server that echoes."""
    command = [sys.executable, "-m", __name__, url, str(at_once), *cases]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=RUN_SECONDS)
    return [Verdict(**told) for told in json.loads(done.stdout)]


async def run(url: str, at_once: int, cases: Sequence[str]) -> None:
    from kosoku import FailureError, run_fuzzingclient

    try:
        results = await run_fuzzingclient(url, cases, concurrency=at_once)
    except FailureError as error:
        results = error.results
    told = [
        {
            "case": r.case_id,
            "passed": r.passed,
            "behavior": r.behavior.value,
            "close": r.behavior_close.value,
            "code": r.remote_close_code or 0,
            "why": f"{r.result} {r.result_close}",
        }
        for r in results
    ]
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
