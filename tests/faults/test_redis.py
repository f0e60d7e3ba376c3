"""One store: killed, cut off, slow, emptied, full. The evening goes on."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from pytest_django.plugin import DjangoDbBlocker

from realtime.store import CALL_SECONDS
from realtime.testing import Refused
from tests.commerce.conftest import key
from tests.faults.fan import PATIENCE, Fan
from tests.faults.link import Link
from tests.faults.show import UNAVAILABLE, Doer, Site, evening
from tests.faults.stores import Valkey

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]


@dataclass
class Stage:
    store: Valkey
    link: Link
    site: Site


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    pytestconfig: pytest.Config,
) -> Iterator[Stage]:
    """Two web processes; the second one's way to the store is ours."""
    folder = tmp_path_factory.mktemp("store")
    seed = int(pytestconfig.getoption("--seed"))
    with Valkey(folder, maxmemory="64mb") as store, Link(store.port, seed) as link:
        with django_db_blocker.unblock():
            site = Site(folder, store.url, f"redis://127.0.0.1:{link.port}")
        yield Stage(store, link, site)
        link.heal()
        site.close()


@pytest.fixture
async def commenter(stage: Stage) -> AsyncIterator[Doer]:
    await stage.site.until_ready()
    async with Doer(stage.site, stage.site.host) as made:
        yield made


async def test_redis_kill_leaves_the_evening_as_it_was(
    stage: Stage, full: bool
) -> None:
    async with evening(stage.site) as (seen, fans):
        pings = fans[0].pings
        stage.store.kill()
        noticed = await stage.site.until_noticed()
        await seen.more(seen.letters, 20 if full else 5)
        await seen.more(seen.buys)
        await until_pinged(fans[0], pings)
        stage.store.start()
        await stage.site.until_ready()
        await seen.more(seen.letters)
    print(f"noticed after {noticed:.1f} s")
    # It came back empty: nobody was told it had everything.
    assert all(stage.site.deals in fan.gaps for fan in fans)


async def test_redis_cut_by_client_kill_costs_nothing(stage: Stage) -> None:
    async with evening(stage.site) as (seen, fans):
        for _ in range(3):
            assert stage.store.admin.client_kill_filter(_type="pubsub") >= 1
            stage.store.admin.client_kill_filter(_type="normal", skipme=True)
            await seen.more(seen.turns)
            await stage.site.until_ready()
    lossless(fans)


async def test_redis_cut_by_a_reset_costs_nothing(stage: Stage) -> None:
    """And what was published while no new connection was let through is refilled."""
    async with evening(stage.site) as (seen, fans):
        for _ in range(2):
            stage.link.refuse()
            await stage.site.until_noticed()
            await seen.more(seen.turns)
            stage.link.heal()
            await stage.site.until_ready()
    lossless(fans)


async def test_redis_cut_by_a_black_hole_is_noticed_and_costs_nothing(
    stage: Stage, full: bool
) -> None:
    async with evening(stage.site) as (seen, fans):
        stage.link.blackhole()
        noticed = await stage.site.until_noticed()
        pings = fans[0].pings
        await seen.more(seen.letters, 70 if full else 5)
        await until_pinged(fans[0], pings)
        stage.link.heal()
        await stage.site.until_ready()
    print(f"noticed after {noticed:.1f} s")
    lossless(fans)


async def test_redis_slow_holds_up_no_ping_and_no_sale(
    stage: Stage, full: bool, commenter: Doer
) -> None:
    async with evening(stage.site) as (seen, fans):
        stage.store.freeze()
        began = time.monotonic()
        await stage.site.until_noticed()
        bought, pings = len(seen.buys.seconds), fans[0].pings
        with pytest.raises(Refused) as refused:
            await comment(stage, commenter)
        assert refused.value.code == UNAVAILABLE
        await until_pinged(fans[0], pings)
        await seen.more(seen.buys)
        if full:
            await asyncio.sleep(max(0, began + 5 - time.monotonic()))
        took = sorted(seen.buys.seconds[bought:])
        stage.store.thaw()
        await stage.site.until_ready()
    print(f"buys took {took}")
    assert took[len(took) // 2] < CALL_SECONDS / 2, "they waited for the store"


async def test_redis_flush_begins_new_epochs_and_replays_nothing(
    stage: Stage, full: bool
) -> None:
    async with evening(stage.site) as (seen, fans):
        for _ in range(20 if full else 5):
            stage.store.admin.flushall()
            await seen.more(seen.turns, 1)
        await seen.more(seen.letters)
    assert {code for fan in fans for code in fan.closes} <= {3010}


async def test_redis_full_keeps_letters_for_later_and_refuses_comments(
    stage: Stage, commenter: Doer
) -> None:
    admin = stage.store.admin
    async with evening(stage.site) as (seen, fans):
        admin.config_set("maxmemory-policy", "noeviction")
        admin.config_set("maxmemory", 1)
        try:
            await seen.more(seen.letters, 5)
            await seen.more(seen.buys)
            with pytest.raises(Refused) as refused:
                await comment(stage, commenter)
            assert refused.value.code == UNAVAILABLE
            held = set(fans[0].heard(fans[0].own, "text"))
            assert not held.intersection(seen.letters.keys[-3:])
        finally:
            admin.config_set("maxmemory", "64mb")
    lossless(fans)


async def comment(stage: Stage, by: Doer) -> None:
    await by.do("comment.send", key(), stream=stage.site.stream, text="hello")


async def until_pinged(fan: Fan, pings: int) -> None:
    """The sockets live on while the store does not."""
    async with asyncio.timeout(PATIENCE):
        while fan.pings <= pings:
            await asyncio.sleep(0.05)
    assert fan.closes == []


def lossless(fans: list[Fan]) -> None:
    """All was refilled from history, on the same sockets."""
    assert [fan.gaps for fan in fans] == [[]] * len(fans)
    assert [fan.closes for fan in fans] == [[]] * len(fans)
