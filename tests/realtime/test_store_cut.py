"""Viewers through a broken link to the store."""

from collections.abc import Iterator

import pytest
from redis import Redis

from realtime import publish
from realtime.embedded import Embedded
from tests.live import Connect
from tests.realtime.rooms import Rang

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def breaker(site_store: Embedded) -> Iterator[Redis]:
    with Redis(unix_socket_path=str(site_store.socket)) as client:
        yield client


async def test_what_was_published_while_the_link_was_cut_arrives_in_order_once(
    visit: Connect, breaker: Redis
) -> None:
    viewer = await visit(7)
    start = viewer.hello["subs"]["#7"].get("offset", 0)
    await publish("#7", Rang(times=0))
    await viewer.push("#7")
    assert breaker.client_kill_filter(_type="pubsub") >= 1
    for number in (1, 2, 3):
        await publish("#7", Rang(times=number))
    told = [(await viewer.publication("#7"))["pub"] for _ in range(3)]
    assert [each["data"]["times"] for each in told] == [1, 2, 3]
    assert [each["offset"] for each in told] == [start + n for n in (2, 3, 4)]
    await publish("#7", Rang(times=4))
    assert (await viewer.push("#7"))["times"] == 4
