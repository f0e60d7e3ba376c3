"""The same bytes to many sockets: `send_many`, in C where that was built.

Pure Python does the same, but lets go of the interpreter's lock for each socket, so
beside a busy thread it queues for it each time. `SOUK_SENDMANY=0` keeps to Python.
"""

import os
import sys
from array import array
from importlib import import_module
from typing import Protocol

SWITCH_SECONDS = 0.0002
"""How long a busy thread keeps the lock from the loop; Python's own is 5 ms."""


class SendMany(Protocol):
    """`send_many(fds, data, start, stop)` → the short sends, as (index, bytes sent).

    One `send` for each of `fds[start:stop]`, none for −1; all must be non-blocking.
    Bytes sent are 0 where the kernel has no room now, −1 where the socket is broken.
    """

    def __call__(
        self, fds: "array[int]", data: bytes, start: int, stop: int, /
    ) -> list[tuple[int, int]]: ...


def one_by_one(
    fds: "array[int]", data: bytes, start: int, stop: int, /
) -> list[tuple[int, int]]:
    """`SendMany` in Python. EINTR is retried by `os.write` (PEP 475)."""
    write, size, shorts = os.write, len(data), []
    for index in range(start, stop):
        if (fd := fds[index]) < 0:
            continue
        try:
            sent = write(fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            sent = -1
        if sent != size:
            shorts.append((index, sent))
    return shorts


WANTED = os.environ.get("SOUK_SENDMANY", "1") != "0"


def _built() -> SendMany | None:
    if not WANTED:
        return None
    try:
        made: SendMany = import_module("realtime._sendmany").send_many
    except ImportError:  # there was no compiler
        return None
    return made


built = _built()
send_many: SendMany = built or one_by_one


def share_the_lock() -> None:
    """In a process that serves sockets: wait less for a busy thread."""
    sys.setswitchinterval(SWITCH_SECONDS)
