"""Where the store is: one server, the primary Sentinels name, or a Cluster's primaries.

Addresses and clients only. Neighbours: store.py sends a call to the server of its key,
link.py and shards.py listen there.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import RedisError

CALL_SECONDS = 2.0
ASK_SECONDS = 0.5
"""For one server to say where things are, before another is asked."""

Address = tuple[str, int]


def options() -> dict[str, Any]:
    """Of every connection. No retries: a call sent twice could take effect twice."""
    return {
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": None,
        "socket_connect_timeout": CALL_SECONDS,
    }


class Nodes(Protocol):
    """Servers by key. `sharded`: a channel's messages stay with that of its key."""

    sharded: bool

    def of(self, key: str) -> Redis | None:
        """The client of the server that holds a key; None while that is not known."""

    async def learn(self) -> None:
        """Ask who holds what now. Raises RedisError or OSError when nobody says."""

    async def close(self) -> None: ...


class Single:
    """One server, or whichever the Sentinels call the primary when a link is made."""

    sharded = False

    def __init__(self, client: Redis) -> None:
        self.client = client

    def of(self, key: str) -> Redis | None:
        return self.client

    async def learn(self) -> None:
        """Nothing: there is one."""

    async def close(self) -> None:
        await self.client.aclose()


class Cluster:
    """Who owns a slot, as one of the servers saw it last."""

    sharded = True

    def __init__(self, seeds: Sequence[Address], more: dict[str, Any]) -> None:
        self._more = more
        self._clients: dict[Address, Redis] = {}
        self._owners: list[Redis | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        self._seeds = [self._client(*seed) for seed in seeds]
        self._learning: asyncio.Task[None] | None = None

    def of(self, key: str) -> Redis | None:
        return self._owners[key_slot(key.encode())]

    async def learn(self) -> None:
        """Many callers, one question."""
        if self._learning is None or self._learning.done():
            self._learning = asyncio.create_task(self._learn())
        await asyncio.shield(self._learning)

    async def _learn(self) -> None:
        """Ask in random order: one that is cut off may believe what was true once."""
        known = list({*self._seeds, *self._clients.values()})
        random.shuffle(known)
        for client in known:
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    ranges = await client.execute_command(  # type: ignore[no-untyped-call] # redis'
                        "CLUSTER", "SLOTS"
                    )
            except (RedisError, OSError):
                continue
            if ranges:
                return self._take(ranges)
        raise NoConnection("no server of the cluster answers")

    def _take(self, ranges: list[Any]) -> None:
        owners: list[Redis | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, primary, *_ in ranges:
            client = self._client(primary[0].decode(), primary[1])
            owners[first : last + 1] = [client] * (last + 1 - first)
        self._owners = owners

    def _client(self, host: str, port: int) -> Redis:
        if (host, port) not in self._clients:
            made = Redis(host=host, port=port, **options(), **self._more)
            self._clients[host, port] = made
        return self._clients[host, port]

    async def close(self) -> None:
        if self._learning is not None:
            self._learning.cancel()
        for client in self._clients.values():
            await client.aclose()


def nodes(url: str) -> Nodes:
    """`redis://…`, `rediss://…`, `unix://…`; `redis+sentinel://h1,h2:26379/name`;
    `redis+cluster://user:password@h1,h2:6379`; with `rediss+` over TLS.

    Raises ValueError for a URL it does not understand.
    """
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    if not kind:
        return Single(Redis.from_url(url, **options()))
    more: dict[str, Any] = {"ssl": True} if scheme == "rediss" else {}
    who, _, hosts = parts.netloc.rpartition("@")
    if who:
        name, _, password = who.partition(":")
        more |= {"username": unquote(name) or None, "password": unquote(password)}
    if kind == "cluster":
        return Cluster(_addresses(hosts, 6379), more)
    group, _, database = parts.path.strip("/").partition("/")
    if kind != "sentinel" or not group:
        raise ValueError(f"REDIS_URL: {parts.scheme}:// of which name?")
    asked = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": ASK_SECONDS,
        "socket_connect_timeout": ASK_SECONDS,
    }
    sentinel = Sentinel(_addresses(hosts, 26379), sentinel_kwargs=asked)  # type: ignore[no-untyped-call] # redis'
    made = sentinel.master_for(group, db=int(database or 0), **options(), **more)
    return Single(made)


def _addresses(hosts: str, port: int) -> list[Address]:
    split = (host.partition(":") for host in hosts.split(","))
    return [(name, int(given or port)) for name, _, given in split]
