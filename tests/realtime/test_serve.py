"""`souk serve` as a newcomer starts it: no service runs, nothing is set."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import free_port


@pytest.fixture
def admin_port() -> int:
    return free_port()


@pytest.fixture
def serve(
    tmp_path: Path, django_db_setup: None, admin_port: int
) -> Iterator[subprocess.Popen[str]]:
    port = free_port()
    # Not the test's database: its child would send the next test's outbox elsewhere.
    own = {
        **os.environ,
        "SOUK_DEBUG": "1",
        "SOUK_DATA": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/souk.sqlite3",
        "REDIS_URL": "",
        "SOUK_ADMIN_PORT": str(admin_port),
    }
    souk = [sys.executable, "-m", "config.cli"]
    subprocess.run([*souk, "migrate", "-v0"], env=own, check=True, timeout=60)
    process = subprocess.Popen(
        [*souk, "serve", "--only=web", f"--port={port}"],
        env=own,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    """Where a web child says it listens."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def web_child(process: subprocess.Popen[str]) -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for child in children.read_text().split():
        if b"\0web\0" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise AssertionError("no web child")


def test_a_killed_web_process_returns_and_sigterm_ends_all_with_status_0(
    serve: subprocess.Popen[str], tmp_path: Path, admin_port: int
) -> None:
    url = address(serve)
    first = web_child(serve)
    assert (tmp_path / "run" / "store.sock").exists()
    os.kill(first, signal.SIGKILL)
    assert address(serve) == url
    assert web_child(serve) != first
    with urllib.request.urlopen(f"{url}/accounts/sign-in") as answer:  # noqa: S310 - ours
        assert answer.status == 200
    with urllib.request.urlopen(f"http://127.0.0.1:{admin_port}/healthz") as answer:
        assert answer.read() == b"ok\n"
    serve.send_signal(signal.SIGTERM)
    assert serve.wait(15) == 0
    assert not (tmp_path / "run" / "store.sock").exists()
