"""Do we know what the store knows? Positions compared, at times and after a new link.

A channel behind the store has missed messages of the bus: the hole is fetched in place.
A new epoch with the link intact is adopted; after a broken link it means a loss.
"""

import asyncio
import logging

from realtime.broker import Broker
from realtime.channel import Channel
from realtime.exceptions import CommandError
from realtime.hub import Hub
from realtime.lanes import Lane
from realtime.recovery import Position

logger = logging.getLogger(__name__)


async def heal(hub: Hub, broker: Broker, *, broken: bool) -> None:
    """Compare every warm channel's position; `broken`: the link was lost meanwhile.

    Raises `Unavailable`.
    """
    warm = [c for c in hub.channels.values() if c.warming is None and not c.filling]
    if broken:
        states = [c for c in warm if c.lane is Lane.LATEST]
        await asyncio.gather(*(hub.reload(channel) for channel in states))
    logs = [c for c in warm if c.lane is not Lane.LATEST]
    known = {c.name: Position(c.top, c.epoch) for c in logs}
    held = await broker.check(known)
    results = await asyncio.gather(
        *(_mend(hub, broker, c, known[c.name], held[c.name], broken) for c in logs),
        return_exceptions=True,
    )
    for channel, result in zip(logs, results, strict=True):
        if isinstance(result, CommandError):
            logger.warning("%s not compared: %s", channel.name, result.message)
        elif isinstance(result, BaseException):
            raise result


async def _mend(
    hub: Hub,
    broker: Broker,
    channel: Channel,
    known: Position,
    held: Position,
    broken: bool,
) -> None:
    if channel.epoch != known.epoch or channel.filling:
        return  # it has moved on while we asked
    if held.epoch == channel.epoch:
        if held.offset > channel.top:
            await hub.fill(channel)
        elif held.offset < known.offset:
            # The store forgot what it had told: a failover. Nobody may take the
            # numbers it will give again for those already seen.
            epoch = await broker.renew(channel.name, channel.epoch)
            _begin_anew(hub, channel, Position(held.offset, epoch), broken)
    elif held.epoch or broken:
        position = (await broker.history(channel.name)).position
        if broken:
            _begin_anew(hub, channel, position, broken)
        else:
            hub.turn(channel, position.epoch)
            await hub.fill(channel)


def _begin_anew(hub: Hub, channel: Channel, position: Position, broken: bool) -> None:
    if broken:
        hub.lose(channel, position)
    else:
        hub.turn(channel, position.epoch, position.offset)
