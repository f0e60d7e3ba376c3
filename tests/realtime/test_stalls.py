"""A loop that does not turn is told of, by name; one that turns is not."""

import asyncio
import logging
import time

import pytest

from realtime.stalls import StallWatch


async def test_a_busy_loop_is_told_of_with_what_it_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "realtime.stalls")
    watch = StallWatch()
    watch.start()
    try:
        be_busy(until="has not turned", caplog=caplog)
        async with asyncio.timeout(10):
            while "turns again" not in caplog.text:
                await asyncio.sleep(0.05)
    finally:
        watch.stop()
    first, second = caplog.records
    assert first.levelname == "ERROR" and "in be_busy" in first.getMessage()
    assert second.levelname == "WARNING"


def be_busy(until: str, caplog: pytest.LogCaptureFixture) -> None:
    end = time.monotonic() + 10
    while until not in caplog.text and time.monotonic() < end:
        pass
