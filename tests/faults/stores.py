"""Stores to break: one; one with a replica and three Sentinels; a Cluster of 3 + 3.

Children of the test's main thread (the kernel ends them when that thread ends) on free
ports of loopback, each with a folder of its own. No fault before the replicas hold what
their primaries do: one in its first sync is promoted empty.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from redis import Redis, RedisError

from realtime.embedded import binary, dying_with
from tests.live import free_port

READY_SECONDS = 30.0


def until(what: str, is_so: Callable[[], bool]) -> None:
    """Ask until it is; there is no event to wait for in another process."""
    end = time.monotonic() + READY_SECONDS
    while True:
        try:
            if is_so():
                return
        except (RedisError, OSError):
            pass
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)


class Valkey:
    """One server on `port`; it keeps nothing on disk, so that a new life is empty."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.port = free_port()
        self.folder = folder / str(self.port)
        self.folder.mkdir(parents=True)
        self.options: dict[str, object] = {
            "bind": "127.0.0.1",
            "save": '""',
            "appendonly": "no",
            "repl-diskless-sync-delay": 0,
            "enable-debug-command": "local",
            "loglevel": "notice",
            **options,
        }
        self.admin = Redis(port=self.port, socket_timeout=30)
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers."""
        lines = [f"{name} {value}\n" for name, value in self._lines()]
        config = self.folder / "valkey.conf"  # Sentinel insists on one
        config.write_text("".join(lines))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own arguments
                [binary(), str(config), *self._flags()],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=dying_with(os.getpid(), signal.SIGKILL),
            )
        until("a store", lambda: bool(self.admin.ping()))

    def _lines(self) -> list[tuple[str, object]]:
        return [("port", self.port), ("dir", self.folder), *self.options.items()]

    def _flags(self) -> list[str]:
        return []

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.admin.close()
        self.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def told(self, section: str) -> dict[str, Any]:
        """INFO of a section."""
        found: dict[str, Any] = self.admin.info(section)
        return found
