"""A broadcast by other makes through the real doors: ffmpeg sends, aiortc watches.

Every process is the product's: `souk web`, `souk media`, the store, the database.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing

import httpx
import pytest
from redis import Redis

from accounts.models import User
from realtime import db
from realtime.embedded import Embedded
from realtime.testing import LiveClient
from streams.audit import findings
from streams.models import Ingest, Stream
from tests.live import Connect
from tests.streams.conftest import Until
from tests.streams.live import MediaProcess
from tests.streams.media.people import Encoder, Watcher

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        os.environ.get("SOUK_NAMESPACE") != "1",
        reason="media tests need a network namespace: `tests/namespace.sh pytest …`",
    ),
]


class Site:
    """The product's doors, as people use them."""

    def __init__(self, http: httpx.AsyncClient, stack: AsyncExitStack) -> None:
        self.http = http
        self._stack = stack
        self.location = ""

    async def post(self, path: str, offer: str) -> str:
        response = await self.http.post(
            path, content=offer, headers={"Content-Type": "application/sdp"}
        )
        assert response.status_code == 201, response.text
        self.location = response.headers["Location"]
        return response.text

    async def encoder(
        self, stream: Stream, secret: str, *, active: bool = False
    ) -> Encoder:
        url = self.http.base_url.join(f"/whip/{stream.pk}/{secret}")
        encoder = Encoder(str(url), active=active)
        self._stack.push_async_callback(encoder.stop)
        await encoder.start()
        return encoder

    async def watcher(self, stream: Stream) -> Watcher:
        watcher = Watcher()
        self._stack.push_async_callback(watcher.stop)
        await watcher.play(self, stream.pk)
        return watcher


@pytest.fixture
async def site(http: httpx.AsyncClient) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        yield Site(http, stack)


async def on_air(studio: LiveClient, stream: Stream, until: Until) -> None:
    """Wait for the preview, then begin the show."""
    await until(lambda: has_shown(stream, 1))
    begun = await studio.rpc("stream.go_live", {"stream": stream.pk, "key": "go"})
    assert begun == {"state": "live", "version": 2}


def has_shown(stream: Stream, generation: int) -> bool:
    return bool(Stream.objects.filter(pk=stream.pk, generation=generation).exists())


async def test_a_show_survives_its_encoder_and_ends_when_its_host_says_so(
    site: Site,
    connect: Connect,
    until: Until,
    host: User,
    stream: Stream,
    secret: str,
) -> None:
    studio, page = await connect(host), await connect()
    deals = f"deals:{stream.pk}"
    joined = await page.subscribe(deals)
    assert joined["data"]["stream"]["state"] == "draft"
    encoder = await site.encoder(stream, secret)  # the DTLS server: ffmpeg's default
    await on_air(studio, stream, until)
    started = await page.push(deals, "stream.started")
    assert started["media"] == {"video": "H264", "audio": "opus"}

    watcher = await site.watcher(stream)
    session = site.location
    await watcher.saw(60)  # more than the burst at the start
    assert watcher.frames[-1][2:] == (360, 640) and watcher.sounds > 10

    killed = time.monotonic()
    encoder.kill()
    interrupted = await page.push(deals, "stream.interrupted")
    assert time.monotonic() - killed < 3.5
    assert interrupted["grace_until"] > interrupted["at"]

    seen = len(watcher.frames)
    await site.encoder(stream, secret, active=True)
    recovered = await page.push(deals, "stream.recovered")
    assert (recovered["generation"], recovered["rejoin"]) == (2, False)
    assert recovered["gap_ms"] > 0
    await watcher.saw(seen + 30)  # in the same session

    ended = await studio.rpc("stream.end", {"stream": stream.pk, "key": "end"})
    assert ended["state"] == "ended"
    over = await page.push(deals, "stream.ended")
    assert (over["reason"], over["version"]) == ("host", ended["version"])
    assert (await site.http.delete(session)).status_code == 404
    again = await studio.rpc("stream.end", {"stream": stream.pk, "key": "end"})
    assert again == ended
    assert await db(lambda: list(findings())) == []


async def test_a_second_encoder_takes_over_when_it_shows_and_a_late_delete_does_nothing(
    site: Site,
    connect: Connect,
    until: Until,
    host: User,
    stream: Stream,
    secret: str,
) -> None:
    studio = await connect(host)
    await site.encoder(stream, secret)
    await on_air(studio, stream, until)
    old = await db(Ingest.objects.get)
    watcher = await site.watcher(stream)
    await watcher.saw(15)
    await site.encoder(stream, secret, active=True)
    await until(lambda: has_shown(stream, 2))
    late = await site.http.delete(f"/whip/session/{old.pk}")
    assert late.status_code == 200
    seen = len(watcher.frames)
    await watcher.saw(seen + 30)
    assert watcher.longest_gap < 1.0
    await db(stream.refresh_from_db)
    assert (stream.state, stream.version) == ("live", 3)
    await db(old.refresh_from_db)
    assert (old.state, old.reason) == ("closed", "superseded")


async def test_viewers_are_counted_pages_by_the_socket_bare_players_by_their_session(
    site: Site,
    connect: Connect,
    until: Until,
    host: User,
    stream: Stream,
    secret: str,
) -> None:
    studio, page = await connect(host), await connect()
    await page.subscribe(f"deals:{stream.pk}")
    await page.subscribe(f"state:{stream.pk}")
    await studio.subscribe(f"staff:{stream.pk}")
    await site.encoder(stream, secret, active=True)
    await on_air(studio, stream, until)
    watcher = await site.watcher(stream)
    await watcher.saw(1)
    async with asyncio.timeout(15):
        while (await page.push(f"state:{stream.pk}"))["viewers"]["now"] != 2:
            pass
    assert (await site.http.delete(site.location)).status_code == 200
    async with asyncio.timeout(15):
        while (last := (await page.push(f"state:{stream.pk}"))["viewers"])["now"] != 1:
            pass
    assert (last["peak"], last["total"]) == (2, 2)
    health = await studio.rpc("stream.health", {"stream": stream.pk})
    assert (health["video"], health["width"]) == ("H264", 360)
    assert health["kbps"] > 100 and health["verdict"] in ("good", "ok")
    async with asyncio.timeout(15):  # the first ones were told as it began
        while (await studio.push(f"staff:{stream.pk}", "stream.health"))["fps"] < 10:
            pass


async def test_an_emptied_store_ends_nothing_and_costs_no_picture(
    site: Site,
    connect: Connect,
    until: Until,
    site_store: Embedded,
    host: User,
    stream: Stream,
    secret: str,
) -> None:
    studio = await connect(host)
    await site.encoder(stream, secret, active=True)
    await on_air(studio, stream, until)
    watcher = await site.watcher(stream)
    await watcher.saw(15)
    with closing(Redis.from_url(site_store.url)) as client:
        client.flushall()
    seen = len(watcher.frames)
    await watcher.saw(seen + 30)
    assert watcher.longest_gap < 1.0
    newcomer = await site.watcher(stream)
    await newcomer.saw(15)
    ended = await studio.rpc("stream.end", {"stream": stream.pk, "key": "end"})
    assert ended == {"state": "ended", "version": 3}


async def test_a_killed_media_process_costs_a_show_only_a_moment(
    site: Site,
    connect: Connect,
    media: MediaProcess,
    until: Until,
    host: User,
    stream: Stream,
    secret: str,
) -> None:
    studio, page = await connect(host), await connect()
    deals = f"deals:{stream.pk}"
    await page.subscribe(deals)
    encoder = await site.encoder(stream, secret, active=True)
    await on_air(studio, stream, until)
    encoder.kill()
    media.kill()
    await asyncio.to_thread(media.start)
    interrupted = await page.push(deals, "stream.interrupted")
    assert interrupted["version"] == 3
    lost = await db(Ingest.objects.get)
    assert (lost.state, lost.reason) == ("closed", "node_lost")
    await site.encoder(stream, secret, active=True)
    recovered = await page.push(deals, "stream.recovered")
    assert (recovered["generation"], recovered["rejoin"]) == (2, True)
    watcher = await site.watcher(stream)
    await watcher.saw(10)
