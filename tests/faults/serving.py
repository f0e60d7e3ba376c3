"""`souk serve` as a whole: store, web processes on one port, each killed at will."""

import os
import re
import select
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import connection

from realtime.embedded import folder
from tests.faults import ROOMS
from tests.live import free_port

START_SECONDS = 60.0


class Serving:
    """A `souk serve` on a database of its own: another's sweep would send its outbox.

    Ready when every web process is.
    """

    def __init__(self, where: Path, *, web: int, **env: str) -> None:
        self.run_dir = where / "run"
        self.store_url = f"unix://{folder(self.run_dir) / 'store.sock'}"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = where / f"serve-{time.monotonic_ns()}.log"
        database = copied_database(where)
        environment = {
            **os.environ,
            **ROOMS,
            "SOUK_DEBUG": "1",
            "SOUK_SECRET": settings.SECRET_KEY,
            "SOUK_DATA": str(where),
            "SOUK_RUN_DIR": str(self.run_dir),
            "DATABASE_URL": f"sqlite:///{database}",
            "REDIS_URL": "",
            "SOUK_WEB": str(web),
            **env,
        }
        port = self.url.rpartition(":")[2]
        souk = [sys.executable, "-m", "config.cli", "serve", "--only=web"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*souk, f"--port={port}"],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        for _ in range(web):
            self.one_is_ready()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def one_is_ready(self) -> None:
        """Wait until one more web process says where it listens."""
        out = self.process.stdout
        assert out is not None
        if not select.select([out], [], [], START_SECONDS)[0]:
            raise TimeoutError(self.log.read_text())
        line = os.read(out.fileno(), len(self.url) + 1).decode()
        if line.strip() != self.url:
            raise RuntimeError(line + self.log.read_text())

    def children(self) -> dict[int, str]:
        """Number → command line of each process it started."""
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {
            int(pid): Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
            for pid in listing.read_text().split()
        }

    def workers(self) -> set[int]:
        """Its web processes."""
        return {pid for pid, line in self.children().items() if " web " in line}


def copied_database(where: Path) -> Path:
    """An empty one with every table, quicker than to migrate one."""
    made = where / "souk.sqlite3"
    if not made.exists():
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as tests:
            tests.execute("VACUUM INTO ?", [str(made)])
    return made


def ended(pids: set[int], seconds: float) -> bool:
    """Whether all of these, children or not, end within this time."""
    end = time.monotonic() + seconds
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            left = max(0.0, end - time.monotonic())
            if not select.select([handle], [], [], left)[0]:
                return False
        finally:
            os.close(handle)
    return True


def resident_kib(pid: int) -> int:
    """Memory a process has now."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
