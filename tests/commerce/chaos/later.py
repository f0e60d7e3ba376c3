"""The house an hour later, each time it is told so by SIGUSR1; and in no hurry.

Named by SOUK_ROUTER in servers of tests that live through days. Their database clock
runs ahead, and nobody is told to slow down: else a thousand clicks took minutes.
"""

import signal
from types import FrameType

from msgspec.structs import replace

from commerce import clock
from config.protocol import router
from realtime import limits
from realtime.router import Rate

__all__ = ["router"]

HOUR_MS = 3_600_000


def an_hour_passes(number: int, frame: FrameType | None) -> None:
    clock._SQLITE = f"({clock._SQLITE} + {HOUR_MS})"
    clock._POSTGRESQL = f"({clock._POSTGRESQL} + {HOUR_MS})"
    clock.DatabaseNow.template = clock._POSTGRESQL


signal.signal(signal.SIGUSR1, an_hour_passes)
limits.COMMAND_RATE = limits.FRAME_RATE = Rate(10_000, burst=10_000)
router.handlers["order.place"] = replace(router.handlers["order.place"], rate=None)
