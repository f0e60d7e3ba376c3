"""Seconds from a clone to a live page: `python -m bench.start`.

Clones HEAD into a fresh folder, empties HOME, runs `make run`, and looks at the home
page until it answers, then until a live room stands on it; stops it by SIGINT; then the
same again, with everything installed. Media stays on loopback, as `make run` binds it.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.live import free_port

ROOT = Path(__file__).parents[1]
PATIENCE_S = 300.0


def page(url: str) -> str:
    """The home page, or nothing yet."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (loopback)
            text: str = answer.read().decode()
            return text
    except OSError:
        return ""


def until(true: Callable[[], bool], since: float) -> float | None:
    while time.monotonic() < since + PATIENCE_S:
        if true():
            return round(time.monotonic() - since, 1)
        time.sleep(0.05)
    return None


def start(clone: Path, environment: dict[str, str]) -> tuple[float | None, ...]:
    """Seconds to a page, and to a live room on it."""
    url = f"http://127.0.0.1:{environment['SOUK_PORT']}/"
    began = time.monotonic()
    process = subprocess.Popen(
        ["make", "run"], cwd=clone, env=environment, process_group=0
    )
    try:
        answered = until(lambda: bool(page(url)), began)
        live = until(lambda: 'href="/rooms/' in page(url), began)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
    return answered, live


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="souk-start-") as folder:
        clone, home = Path(folder) / "souk", Path(folder) / "home"
        home.mkdir()
        subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
        port = str(free_port())
        environment = {**os.environ, "HOME": str(home), "SOUK_PORT": port}
        first, first_live = start(clone, environment)
        second, second_live = start(clone, environment)
    figures = {
        "first_page_s": first,
        "first_live_s": first_live,
        "second_page_s": second,
        "second_live_s": second_live,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
