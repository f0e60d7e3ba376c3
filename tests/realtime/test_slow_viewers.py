"""Readers that stop: what waits for them is bounded, by lane, and nobody else waits."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from realtime import Event, publish
from realtime.backlog import RELIABLE_BYTES, SAMPLED_BYTES
from tests.live import Connect, Server
from tests.realtime.raw import RawSocket
from tests.realtime.square import Price, Told

pytestmark = pytest.mark.django_db(transaction=True)

LETTER = "x" * 8000
KERNEL_BYTES = 600_000
"""More than both kernels hold between us, whatever they are set to."""


class Speech(Event, frozen=True, tag="speech"):
    n: int
    text: str


@pytest.fixture
def frozen(square: Server) -> Iterator[RawSocket]:
    """Connected, and reading only when told."""
    with RawSocket(square.url, buffer=128 * 1024) as made:
        assert made.upgrade().startswith("HTTP/1.1 101")
        made.send({"id": 1, "connect": {}})
        made.until("client")
        yield made


def subscribe(frozen: RawSocket, *channels: str) -> None:
    for id_, channel in enumerate(channels, 2):
        frozen.send({"id": id_, "subscribe": {"channel": channel}})
        frozen.until(f'"id": {id_}')


def pubs(messages: list[dict[str, Any]], channel: str) -> list[dict[str, Any]]:
    pushes = [m["push"] for m in messages if "push" in m]
    return [p["pub"]["data"] for p in pushes if p.get("channel") == channel]


async def test_more_reliable_bytes_than_may_wait_end_it_as_slow(
    visit: Connect, frozen: RawSocket
) -> None:
    other = await visit()
    await other.subscribe("deals:slow1")
    subscribe(frozen, "deals:slow1")
    count = (KERNEL_BYTES + RELIABLE_BYTES) // len(LETTER)
    for n in range(count):
        await publish("deals:slow1", Speech(n=n, text=LETTER))
    got = [(await other.push("deals:slow1"))["n"] for _ in range(count)]
    assert got == list(range(count))
    read = list(frozen.messages())  # whole frames, then why, then the end
    numbers = [data["n"] for data in pubs(read, "deals:slow1")]
    assert numbers == list(range(len(numbers))) and len(numbers) < count
    assert read[-2]["push"]["disconnect"]["code"] == 3008
    assert read[-1] == {"close": 3008}


async def test_comments_are_shed_oldest_first_and_counted_while_a_sale_waits_its_turn(
    visit: Connect, frozen: RawSocket
) -> None:
    other = await visit()
    await other.subscribe("comments:slow2")
    await other.subscribe("deals:slow2")
    subscribe(frozen, "comments:slow2", "deals:slow2", "state:slow2")
    count = (KERNEL_BYTES + 4 * SAMPLED_BYTES) // len(LETTER)
    for n in range(count):  # a few a tick: what a tick gathers is one frame
        await publish("comments:slow2", Speech(n=n, text=LETTER))
        if n % 4 == 3:
            for _ in range(4):
                await other.push("comments:slow2")
    for amount in range(20):
        await publish("state:slow2", Price(item="tea", amount=amount))
    await publish("deals:slow2", Told(n=1))
    for _ in range(count % 4):
        await other.push("comments:slow2")
    await other.push("deals:slow2")
    last = f'"n": {count - 1}'
    read = frozen.until(last)
    comments = pubs(read, "comments:slow2")
    skipped = [c["count"] for c in comments if c["type"] == "lane.skipped"]
    delivered = [c["n"] for c in comments if c["type"] == "speech"]
    assert sum(skipped) + len(delivered) == count and sum(skipped) > 0
    assert delivered == sorted(delivered) and delivered[-1] == count - 1
    order = [m["push"]["channel"] for m in read if "push" in m]
    # The sale overtook what waited of the comments, then came the newest state.
    assert order.index("deals:slow2") < order.index("state:slow2") < len(order) - 1
    assert pubs(read, "state:slow2") == [{"price:tea": {"item": "tea", "amount": 19}}]


async def fall_behind(frozen: RawSocket) -> None:
    """Only comments wait, which never fill the backlog: the stall ends it.

    SOUK_STALL_SECONDS is 8, from the last byte that the kernels shift among themselves,
    which they may do for some seconds; as long again, and the socket is dropped.
    """
    subscribe(frozen, "comments:slow3")
    burst = (KERNEL_BYTES + SAMPLED_BYTES) // len(LETTER)
    speech = Speech(n=0, text=LETTER)
    for _ in range(5):
        await asyncio.gather(*(publish("comments:slow3", speech) for _ in range(burst)))
        await asyncio.sleep(0.3)  # the kernels find room for what waits: once more


async def test_who_takes_no_byte_for_the_time_allowed_is_ended_as_slow(
    visit: Connect, frozen: RawSocket
) -> None:
    await fall_behind(frozen)
    await asyncio.sleep(12)  # what is tried is time itself
    assert list(frozen.messages())[-1] == {"close": 3008}


async def test_who_does_not_take_the_goodbye_either_is_dropped(
    visit: Connect, frozen: RawSocket
) -> None:
    await fall_behind(frozen)
    await asyncio.to_thread(frozen.wait_for_the_end, 30)
    with pytest.raises(ConnectionError):
        list(frozen.messages())
