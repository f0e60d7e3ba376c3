"""Who may open one more socket here: counts and rates by address, and by process.

Pure. The edge asks before it accepts, and says when one has gone. Loopback is free.
"""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Literal

from msgspec import Struct

from realtime.limits import LocalBucket
from realtime.router import Rate

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
UNKNOWN = "unix"
"""Whoever has no address: the other end of a unix socket."""
REMEMBERED = 10_000

Refusal = Literal[429, 503]


def parsed(text: str) -> Address | None:
    try:
        address = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def real_address(peer: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """Whom the connection comes from, seen through proxies of ours.

    Each proxy appends to X-Forwarded-For whom it was asked by, so it is read from the
    right, as long as it was one of ours that wrote; what stands further left anybody
    may have claimed.
    """
    hops = [hop for hop in forwarded.split(",") if hop.strip()]
    seen = parsed(peer)
    while hops and seen is not None and any(seen in net for net in proxies):
        if (before := parsed(hops.pop())) is None:
            break
        seen = before
    return peer if seen is None else str(seen)


def neighbourhood(address: str) -> str:
    """Whom an address's limits count: an IPv4 address, or an IPv6 /64."""
    found = parsed(address)
    if found is None:
        return UNKNOWN
    if isinstance(found, IPv4Address):
        return str(found)
    return str(ip_network((found, 64), strict=False).network_address)


def cut(address: str) -> str:
    """An address as it may be kept: its IPv4 /24 or IPv6 /56."""
    found = parsed(address)
    if found is None:
        return UNKNOWN
    length = 24 if isinstance(found, IPv4Address) else 56
    return str(ip_network((found, length), strict=False))


class Limit(Struct, frozen=True):
    """What one process allows."""

    sockets: int = 20_000
    address_sockets: int = 500
    address_rate: Rate = Rate(20, burst=100)


class Visitor(Struct):
    """An address's sockets, and how often it came."""

    bucket: LocalBucket
    sockets: int = 0


class Doors:
    """Counts what is inside; every `enter` that is let in has its `leave`."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._visitors: dict[str, Visitor] = {}
        self._many = REMEMBERED
        self.inside = 0

    def enter(self, address: str, now: float, *, full: bool = False) -> Refusal | None:
        """None: one more is inside. 429: too many from there. 503: too many at all.

        `full`: the process has no descriptors to spare.
        """
        if full or self.inside >= self._limit.sockets:
            return 503
        found = parsed(address)
        if found is not None and not found.is_loopback:
            visitor = self._visitor(neighbourhood(address), now)
            if visitor.sockets >= self._limit.address_sockets:
                return 429
            if visitor.bucket.take(now):
                return 429
            visitor.sockets += 1
        self.inside += 1
        return None

    def leave(self, address: str) -> None:
        self.inside -= 1
        if visitor := self._visitors.get(neighbourhood(address)):
            visitor.sockets -= 1

    def _visitor(self, name: str, now: float) -> Visitor:
        if len(self._visitors) >= self._many:
            self._forget(now)
        if name not in self._visitors:
            bucket = LocalBucket(self._limit.address_rate, now)
            self._visitors[name] = Visitor(bucket)
        return self._visitors[name]

    def _forget(self, now: float) -> None:
        """Those who left and whose bucket is full again are strangers."""
        self._visitors = {
            name: visitor
            for name, visitor in self._visitors.items()
            if visitor.sockets or not visitor.bucket.is_full(now)
        }
        self._many = max(REMEMBERED, 2 * len(self._visitors))
