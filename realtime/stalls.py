"""Notes what a loop is busy with when it does not turn: one log line with the stack.

A thread beside the loop asks it to answer. Code that keeps the interpreter's lock keeps
this thread from running, too: then only the length is told, afterwards.
"""

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 1.0
"""How long a loop may be busy with one thing before it is told."""


class StallWatch:
    """Of the running loop, from `start` to `stop`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stalls", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            turned = threading.Event()
            asked = time.monotonic()
            if not self._call(turned.set):
                return
            if not turned.wait(PATIENCE_SECONDS):
                self._tell()
                while not turned.wait(LOOK_SECONDS) and not self._over.is_set():
                    pass
            if (stood := time.monotonic() - asked) > PATIENCE_SECONDS:
                logger.warning("the loop turns again after %.1f s", stood)

    def _call(self, answer: Callable[[], object]) -> bool:
        """False when the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(answer)
        except RuntimeError:
            return False
        return True

    def _tell(self) -> None:
        frame = sys._current_frames().get(self._watched)
        stack = traceback.extract_stack(frame) if frame else []
        logger.error(
            "the loop has not turned for %.1f s:\n%s",
            PATIENCE_SECONDS,
            "".join(traceback.format_list(stack)),
            extra={"where": [f"{f.filename}:{f.lineno} {f.name}" for f in stack]},
        )
