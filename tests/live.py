"""A real server for tests: `souk web` as a child, on the test database and a store.

Tests make rows with the ORM and talk over real sockets; nothing is patched.
"""

import os
import re
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import psycopg
from django.conf import settings
from django.db import connection

from realtime.testing import LiveClient

START_SECONDS = 30.0
STOP_SECONDS = 10.0

Connect = Callable[..., Awaitable[LiveClient]]


class Spawn(Protocol):
    """The factory of `spawn_server`: settings of the environment as keywords."""

    def __call__(self, **env: str) -> "Server": ...


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port nobody has now, on loopback."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def database_url() -> str:
    """The running test's database, for another process."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    name, user = given["NAME"], given["USER"]
    return f"postgresql://{user}@/{name}?host={quote(given['HOST'], safe='/')}"


running: "set[Server]" = set()
"""Every server of this session that was not ended."""


class Server:
    """A web process of its own; `url` answers as soon as it is made."""

    def __init__(self, folder: Path, store_url: str, **env: str) -> None:
        self.log = folder / f"web-{time.monotonic_ns()}.log"
        self.store_url = store_url
        environment = {
            **os.environ,
            "SOUK_DEBUG": "1",
            "DATABASE_URL": database_url(),
            "REDIS_URL": store_url,
            "SOUK_DATA": str(folder),
            "SOUK_SECRET": settings.SECRET_KEY,
            # Of a server and the emptying of a test's tables, should they lock each
            # other up, the server gives way: before the test looks for deadlocks.
            "PGOPTIONS": "-c lock_timeout=10s",
            **env,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.cli", "web", "--port", "0"],
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
            )
        running.add(self)
        self.url = self._address()

    def _address(self) -> str:
        out = self.process.stdout
        assert out is not None
        ready, _, _ = select.select([out], [], [], START_SECONDS)
        line = out.readline().decode() if ready else ""
        if not (found := re.search(r"http://\S+", line)):
            self.kill()
            raise RuntimeError(f"no server: {line}{self.log.read_text()}")
        return found[0]

    def kill(self) -> None:
        """As a crash: no word to anybody."""
        self.process.send_signal(signal.SIGKILL)
        self.reap()

    def stop(self) -> int:
        """As a deploy: SIGTERM, and its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.reap()

    def reap(self) -> int:
        """The exit status of one that was told to end."""
        running.discard(self)
        status = self.process.wait(STOP_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None


@contextmanager
def suspended() -> Iterator[None]:
    """Every server holds its breath: nobody else sweeps what a test has written."""
    asleep = list(running)
    try:
        for server in asleep:
            server.process.send_signal(signal.SIGSTOP)
            while not _can_write():  # it was stopped in the middle of writing
                server.process.send_signal(signal.SIGCONT)
                time.sleep(0.05)
                server.process.send_signal(signal.SIGSTOP)
        yield
    finally:
        for server in asleep:
            server.process.send_signal(signal.SIGCONT)


def _can_write() -> bool:
    """Nobody fell asleep in the middle of a transaction, with rows locked."""
    if connection.vendor == "postgresql":
        # Not by Django's connection, which belongs to a thread without a loop.
        with psycopg.connect(database_url()) as beside:
            found = beside.execute(
                "SELECT COUNT(*) FROM pg_stat_activity WHERE datname ="
                " current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
            return found.fetchone() == (0,)
    path = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(path, timeout=0.2)) as beside:
        try:
            beside.execute("BEGIN IMMEDIATE")
            beside.rollback()
        except sqlite3.OperationalError:
            return False
    return True
