"""A process that has imported the server and forks one whenever it is asked.

`souk web` takes two seconds of CPU to import; killed each 300 ms it would never be
up. A fork of a process that has imported all of it answers within a tenth of a second,
and is as mortal. The nursery itself is forked from the run, before that has threads or
a connection; it ends, and its servers with it, when the run does.
"""

import gc
import importlib
import json
import os
import signal
import traceback
from collections.abc import Callable
from typing import Any

from realtime.embedded import dying_with


class Nursery:
    """`bear(port=…, failpoints=…, log=…)` gives the pid of a new server."""

    def __init__(self) -> None:
        prepare()
        asked, self._wishes = os.pipe()
        self._pids, told = os.pipe()
        mother = os.getpid()
        if (pid := os.fork()) == 0:
            self._in_child(dying_with(mother, signal.SIGKILL), asked, told)
        self._pid = pid
        os.close(asked)
        os.close(told)

    def bear(self, **wish: Any) -> int:
        os.write(self._wishes, json.dumps(wish).encode() + b"\n")
        if not (told := os.read(self._pids, 100)):
            raise RuntimeError("the nursery died")
        return int(told)

    def end(self) -> None:
        os.close(self._wishes)
        os.waitpid(self._pid, 0)
        os.close(self._pids)

    def _in_child(self, with_mother: Callable[[], None], asked: int, told: int) -> None:
        try:
            with_mother()
            os.close(self._wishes)
            os.close(self._pids)
            attend(asked, told)
        finally:
            os._exit(0)


def attend(asked: int, told: int) -> None:
    """Fork servers until nobody can ask any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries them
    with_us = dying_with(os.getpid(), signal.SIGKILL)
    with open(asked) as wishes:
        for wish in wishes:
            if (pid := os.fork()) == 0:
                with_us()
                serve(**json.loads(wish))
            os.write(told, str(pid).encode())


def prepare() -> None:
    """Import what a server does, except what makes an event loop."""
    from django.conf import settings
    from django.urls import get_resolver

    from realtime.channels import root_router

    for name in (
        "autobahn.websocket.protocol",
        "config.asgi",
        "realtime.management.commands.web",
        "realtime.process",
        "twisted.internet.asyncioreactor",
        "twisted.internet.endpoints",
        "twisted.web.http",
    ):
        importlib.import_module(name)
    root_router()
    assert get_resolver(settings.ROOT_URLCONF).url_patterns
    gc.freeze()


def serve(port: int, failpoints: str, log: str) -> None:
    """Become a server; never returns."""
    from django.conf import settings
    from django.core.management import call_command

    import realtime.failpoints

    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for number in (1, 2):
            os.dup2(file, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ["SOUK_FAILPOINTS"] = failpoints
        importlib.reload(realtime.failpoints)
        # With DEBUG every statement is kept; fail-points need it.
        settings.DEBUG = bool(failpoints)
        call_command("web", "--port", str(port))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)
