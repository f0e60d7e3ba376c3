"""A primary dies and its replica takes over, by Sentinel or in a Cluster."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.fan import PATIENCE, Fan
from tests.faults.show import Site, evening
from tests.faults.stores import Clustered, Valkey, Watched, in_sync, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]


@pytest.fixture
def watched(tmp_path: Path, full: bool) -> Iterator[tuple[Site, Valkey]]:
    """A site, and the primary it depends on."""
    with Watched(tmp_path, down_ms=1000 if full else 300) as stores:
        site = Site(tmp_path, stores.url)
        yield site, stores.primary
        site.close()


@pytest.fixture
def clustered(tmp_path: Path, full: bool) -> Iterator[tuple[Site, Clustered]]:
    with Clustered(tmp_path, timeout_ms=1000 if full else 500) as stores:
        site = Site(tmp_path, stores.url)
        yield site, stores
        site.close()


async def test_redis_failover_costs_a_moment_and_nothing_untold(
    watched: tuple[Site, Valkey], transactional_db: None
) -> None:
    await survives(*watched)


async def test_cluster_failover_is_followed_by_those_who_listen(
    clustered: tuple[Site, Clustered], transactional_db: None
) -> None:
    """First by hand, which ends no connection; then by the death of who took over."""
    site, stores = clustered
    first, second = stores.pair(f"{{{site.deals}}}")
    async with evening(site) as (seen, fans):
        await asyncio.to_thread(stores.hand_over, first, second)
        await seen.more(seen.turns)
        for fan in fans:
            await until_told_more(fan, site.deals)
    assert [fan.gaps for fan in fans] == [[]] * len(fans)
    await asyncio.to_thread(until, "in sync", lambda: in_sync(first))
    await survives(site, second)


async def until_told_more(fan: Fan, name: str) -> None:
    async with asyncio.timeout(PATIENCE):
        told = len(fan.told[name])
        while len(fan.told[name]) < told + 2:
            await asyncio.sleep(0.05)


async def survives(site: Site, primary: Valkey) -> None:
    async with evening(site) as (seen, fans):
        began, lost = time.monotonic(), site.links_lost()
        primary.kill()
        async with asyncio.timeout(PATIENCE):
            while site.links_lost() == lost:  # `/readyz` may be green again at once
                await asyncio.sleep(0.05)
        await seen.more(seen.letters)
        await site.until_ready()
        took = time.monotonic() - began
        await seen.more(seen.turns)
        await seen.more(seen.buys)
    print(f"ready again after {took:.1f} s; gaps told: {[fan.gaps for fan in fans]}")
