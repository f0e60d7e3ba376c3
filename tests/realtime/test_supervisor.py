"""`souk serve`: what dies comes back, and the end is orderly."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis, RedisError

PARENT = """
import sys
from pathlib import Path
from realtime.embedded import Embedded
from realtime.supervisor import Child, Supervisor

where = Path(sys.argv[1])
child = '''
import os, signal, sys, time
def end(*_):
    print(sys.argv[1], "ends", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print(sys.argv[1], os.getpid(), flush=True)
while True:
    time.sleep(10)
'''
roles = [Child(role, [sys.executable, "-c", child, role]) for role in sys.argv[2:]]
sys.exit(Supervisor(roles, Embedded(where), ("web", "media")).run())
"""


class Serve:
    """A supervisor in a process of its own, and what its children say."""

    def __init__(self, where: Path, *roles: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(where), *roles],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.readline().split()

    def end(self) -> list[str]:
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=15)
        return rest.splitlines()


Start = Callable[..., Serve]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Start]:
    made: list[Serve] = []

    def start(*roles: str) -> Serve:
        made.append(Serve(tmp_path, *roles))
        return made[-1]

    yield start
    for each in made:
        each.process.kill()
        each.process.communicate()


def ended(pid: int) -> bool:
    """Wait until a process that is not our child has ended; 10 s at most."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)


def test_a_dead_child_comes_back(serve: Start) -> None:
    running = serve("web")
    _, first = running.line()
    os.kill(int(first), signal.SIGKILL)
    role, second = running.line()
    assert role == "web"
    assert second != first


def test_the_end_is_web_then_media_then_store_and_the_status_is_0(
    serve: Start, tmp_path: Path
) -> None:
    running = serve("media", "web")
    running.line()
    running.line()
    with Redis(unix_socket_path=str(tmp_path / "store.sock")) as client:
        store = int(client.info("server")["process_id"])
    assert running.end() == ["web ends", "media ends"]
    assert running.process.returncode == 0
    assert ended(store)
    assert not (tmp_path / "store.sock").exists()


def test_a_killed_supervisor_leaves_nobody_behind(serve: Start, tmp_path: Path) -> None:
    running = serve("web")
    _, child = running.line()
    with Redis(unix_socket_path=str(tmp_path / "store.sock")) as client:
        store = int(client.info("server")["process_id"])
    running.process.kill()
    assert ended(store)
    assert ended(int(child))


def test_a_dead_store_comes_back(serve: Start, tmp_path: Path) -> None:
    running = serve("web")
    running.line()
    with Redis(unix_socket_path=str(tmp_path / "store.sock")) as client:
        store = int(client.info("server")["process_id"])
        os.kill(store, signal.SIGKILL)
        assert ended(store)
        for _ in range(100):
            try:
                again = int(client.info("server")["process_id"])
                break
            except (RedisError, OSError):
                select.select([], [], [], 0.05)
    assert again != store


def test_a_child_that_cannot_start_at_all_ends_the_whole(tmp_path: Path) -> None:
    text = PARENT.replace("import os, signal, sys, time\n", "raise SystemExit(3)\n")
    done = subprocess.run(
        [sys.executable, "-c", text, str(tmp_path), "web"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        timeout=15,
    )
    assert done.returncode == 3
