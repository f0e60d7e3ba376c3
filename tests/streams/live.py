"""A real media process for tests, beside the session's web server."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from streams.models import MediaNode
from tests.live import database_url, free_port

START_SECONDS = 30.0
STOP_SECONDS = 10.0


class MediaProcess:
    """`souk media` as a child on the test's database and a store; may be restarted."""

    row: MediaNode | None
    """As it registered; a test's database is emptied before the next beat."""

    def __init__(self, folder: Path, store_url: str) -> None:
        self.log = folder / f"media-{time.monotonic_ns()}.log"
        self.port = free_port(socket.SOCK_DGRAM)
        self.admin_port = free_port()
        self._environment = {
            **os.environ,
            "SOUK_DEBUG": "1",
            "DATABASE_URL": database_url(),
            "REDIS_URL": store_url,
            "SOUK_DATA": str(folder),
            "SOUK_MEDIA_PORT": str(self.port),
            "SOUK_MEDIA_ADDRESSES": "127.0.0.1",
            "SOUK_ADMIN_PORT": str(self.admin_port),
        }
        self.start()

    def start(self) -> None:
        """Returns when it takes sessions."""
        self.row = None  # a new boot registers anew
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.cli", "media"],
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
            )
        out = self.process.stdout
        assert out is not None
        ready, _, _ = select.select([out], [], [], START_SECONDS)
        line = out.readline().decode() if ready else ""
        if not line.startswith("media at"):
            self.kill()
            raise RuntimeError(f"no media process: {self.log.read_text()}")
        self.node = line.split()[-1]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self._reap()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        status = self.process.wait(STOP_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None
