"""Do we know what the store knows? Positions compared, at times and after a new link.

A channel behind the store has missed messages of the bus: the hole is fetched in place.
A new epoch is adopted when the bus brings it over a whole link; found otherwise, it
means that something was lost.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Protocol

from realtime.channel import Channel
from realtime.hub import Hub
from realtime.lanes import Lane
from realtime.recovery import Position
from realtime.source import Source

logger = logging.getLogger(__name__)


class Ledger(Source, Protocol):
    """What is asked of the broker besides."""

    async def check(self, names: Iterable[str]) -> dict[str, Position]: ...
    async def renew(self, name: str, stale: str) -> str: ...


async def mend(hub: Hub, ledger: Ledger) -> None:
    """After a new link, with the hub holding what it brings: find what was missed.

    Raises `Unavailable`; the hub still holds then.
    """
    warm = [c for c in hub.channels.values() if c.warming is None]
    states = [c for c in warm if c.lane is Lane.LATEST]
    await asyncio.gather(*(hub.reload(channel) for channel in states))
    for channel, known, held in await _compare(warm, ledger):
        if held.epoch == known.epoch and held.offset >= known.offset:
            if held.offset > channel.top:
                await hub.fill(channel)
        else:
            if held.epoch == known.epoch:
                await ledger.renew(channel.name, known.epoch)
            position = (await ledger.history(channel.name, None, 0)).position
            hub.lose(channel, position)
    hub.release()


async def check(hub: Hub, ledger: Ledger) -> None:
    """With the link whole: has the bus lost something, or the store?

    Raises `Unavailable`.
    """
    idle = [c for c in hub.channels.values() if not (c.warming or c.filling)]
    for channel, known, held in await _compare(idle, ledger):
        if channel.filling or channel.epoch != known.epoch:
            continue  # it has moved on while we asked
        if held.epoch == known.epoch:
            channel.doubt = ""
            if held.offset > channel.top:
                await hub.fill(channel)
            elif held.offset < known.offset:
                await _forgotten(hub, ledger, channel)
        elif held.epoch and channel.doubt != held.epoch:
            channel.doubt = held.epoch  # it may still be on the bus
        elif held.epoch:
            hub.lose(channel, held)


async def _forgotten(hub: Hub, ledger: Ledger, channel: Channel) -> None:
    """The store lost what it had told: a failover.

    The numbers it would give again must not be taken for those already seen.
    """
    logger.warning("%s: the store went back behind %d", channel.name, channel.top)
    epoch = await ledger.renew(channel.name, channel.epoch)
    position = (await ledger.history(channel.name, None, 0)).position
    if position.epoch == epoch != channel.epoch:
        hub.turn(channel, epoch, position.offset)


async def _compare(
    channels: list[Channel], ledger: Ledger
) -> list[tuple[Channel, Position, Position]]:
    """Channel, what we knew when we asked, and what the store held then."""
    logs = [c for c in channels if c.lane is not Lane.LATEST]
    known = {c.name: Position(c.top, c.epoch) for c in logs}
    held = await ledger.check(known) if known else {}
    return [(c, known[c.name], held[c.name]) for c in logs]
