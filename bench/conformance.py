"""Autobahn's cases on our edge, beside stock daphne and uvicorn.

    python -m bench.conformance [--deflate]

The same echo behind each, all in one run. Cases 1–7 and 10 are RFC 6455; `--deflate`
adds 12 and 13, of messages up to 64 KiB (RFC 7692), which takes some minutes. The last
line is JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from tests.conformance.cases import RFC_6455, Verdict, verdicts
from tests.live import free_port

ECHO = "tests.conformance.echo"
SHORT = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14)
"""Of each group; the other numbers send more than 64 KiB, so do 12.4.9 and 12.4.14."""
GROUPS = (*(f"12.{n}" for n in range(1, 6)), *(f"13.{n}" for n in range(1, 8)))
LONG = {"12.4.9", "12.4.14"}
DEFLATE = [case for g in GROUPS for n in SHORT if (case := f"{g}.{n}") not in LONG]
START_SECONDS = 20


def peers() -> dict[str, list[str]]:
    """Commands; `{port}` is where they listen."""
    return {
        "souk": ["-m", ECHO, "{port}"],
        f"daphne {version('daphne')}": [
            *("-m", "daphne", "-v", "0", "-p", "{port}", f"{ECHO}:application"),
        ],
        f"uvicorn {version('uvicorn')}": [
            *("-m", "uvicorn", "--log-level", "critical", "--port", "{port}"),
            *("--lifespan", "off", f"{ECHO}:application"),
        ],
    }


@contextmanager
def serving(command: list[str]) -> Iterator[str]:
    """A server while it is needed; where it answers."""
    port = free_port()
    filled = [part.format(port=port) for part in command]
    process = subprocess.Popen(
        [sys.executable, *filled], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until_it_answers(port)
        yield f"ws://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def until_it_answers(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
        except urllib.error.HTTPError:
            return  # an echo is no page
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def group(verdict: Verdict) -> str:
    return verdict.case.partition(".")[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deflate", action="store_true")
    options = parser.parse_args()
    os.environ["SOUK_DEBUG"] = "1"
    cases = [*RFC_6455, *(DEFLATE if options.deflate else ())]
    results = {}
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as folder:
        os.environ["SOUK_DATA"] = folder
        for name, command in peers().items():
            began = time.monotonic()
            with serving(command) as url:
                results[name] = verdicts(url, cases)
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    print(f"kosoku {version('kosoku')}, python {sys.version.split()[0]}")
    for name, told in results.items():
        for verdict in told:
            if not verdict.passed and verdict.behavior != "UNIMPLEMENTED":
                print(f"{name:<16}{verdict.case:<10}{verdict.behavior}, {verdict.why}")
    print("| cases | " + " | ".join(results) + " |")
    for number in sorted(
        {group(v) for told in results.values() for v in told}, key=int
    ):
        row = [count(told, number) for told in results.values()]
        print(f"| {number} | " + " | ".join(row) + " |")
    print(json.dumps({name: count(told) for name, told in results.items()}))


def count(told: list[Verdict], number: str | None = None) -> str:
    """How many of a group, or of all, passed; what is not implemented is no failure."""
    held = [v for v in told if number in (None, group(v))]
    missing = Counter(v.behavior for v in held)["UNIMPLEMENTED"]
    passed = sum(v.passed for v in held)
    return f"{passed} of {len(held)}" + (f" ({missing} declined)" if missing else "")


if __name__ == "__main__":
    main()
