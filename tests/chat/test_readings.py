"""One reading for all who ask meanwhile, and never an older one than was asked for."""

import asyncio

import pytest

from chat import readings
from chat.readings import ByKey, Reading


class Source:
    """Something to read that answers when it is let to."""

    def __init__(self) -> None:
        self.value = 0
        self.begun = 0
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def read(self) -> int:
        self.begun += 1
        found = self.value
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return found


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_after_a_reading_began_gets_a_later_one() -> None:
    source = Source()
    reading = Reading(source.read)
    source.open.clear()
    first = asyncio.create_task(reading.fresh())
    await turn()
    source.value = 1  # committed, and told to those who ask now
    late = [asyncio.create_task(reading.fresh()) for _ in range(100)]
    await turn()
    source.open.set()
    assert await first == 0
    assert await asyncio.gather(*late) == [1] * 100
    assert source.begun == 2


async def test_who_gives_up_takes_nothing_from_the_others() -> None:
    source = Source()
    reading = Reading(source.read)
    source.open.clear()
    impatient, patient = (asyncio.create_task(reading.fresh()) for _ in range(2))
    await turn()
    impatient.cancel()
    await turn()
    source.open.set()
    assert await patient == 0


async def test_a_recent_one_is_read_again_behind_who_asks() -> None:
    source = Source()
    reading = Reading(source.read)
    assert await reading.recent(60) == 0
    source.value = 1
    assert await reading.recent(60) == 0
    assert source.begun == 1
    assert await reading.recent(0) == 1


async def test_when_reading_fails_the_last_one_will_do() -> None:
    source = Source()
    reading = Reading(source.read)
    source.error = RuntimeError("database away")
    with pytest.raises(RuntimeError):
        await reading.recent(0)
    source.error = None
    assert await reading.recent(0) == 0
    source.error = RuntimeError("database away")
    source.value = 1
    assert await reading.recent(0) == 0
    with pytest.raises(RuntimeError):
        await reading.fresh()
    source.error = None
    assert await reading.recent(0) == 1


async def test_when_reading_takes_too_long_the_last_one_will_do() -> None:
    source = Source()
    reading = Reading(source.read)
    assert await reading.recent(0) == 0
    source.open.clear()
    begun = asyncio.get_running_loop().time()
    assert await reading.recent(0) == 0
    waited = asyncio.get_running_loop().time() - begun
    assert readings.PATIENCE_SECONDS <= waited < 3 * readings.PATIENCE_SECONDS
    source.open.set()


async def test_those_asked_for_least_recently_are_forgotten() -> None:
    begun: list[int] = []

    async def read(key: int) -> int:
        begun.append(key)
        return key

    held = ByKey(read, most=2)
    for key in (1, 2, 1, 3, 1):
        assert await held[key].recent(60) == key
    assert begun == [1, 2, 3]
    assert await held[2].recent(60) == 2
    assert begun == [1, 2, 3, 2]
