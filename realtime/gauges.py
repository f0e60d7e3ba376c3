"""What is a state of this process and not an event: read when Prometheus asks."""

import asyncio
from collections import Counter
from math import inf, nan

from realtime import metrics
from realtime.channels import namespace_of
from realtime.db import threads
from realtime.health import Health
from realtime.hub import Hub


async def read(health: Health, hub: Hub | None = None) -> None:
    """Set every gauge; those of the store and the database wait a second at most."""
    metrics.loop_lag.set(health.lag)
    metrics.db_waiting.set(threads().waiting)
    if hub is not None:
        _of_channels(hub)
    pong, rows = await asyncio.gather(health.store(), health.outbox())
    metrics.store_up.set(pong is not None)
    metrics.outbox_unsent.set(nan if rows is None else rows.count)
    metrics.outbox_age.set(nan if rows is None else rows.age)


def _of_channels(hub: Hub) -> None:
    channels = hub.channels.values()
    members: Counter[str] = Counter()
    for channel in channels:
        members[namespace_of(channel.name).name] += len(channel.members)
    metrics.subscriptions.clear()
    for name, count in members.items():
        metrics.subscriptions.labels(name).set(count)
    metrics.tick_seconds.set(
        max((c.setting.tick_ms for c in channels), default=0) / 1e3
    )
    metrics.budget.set(min((c.setting.budget for c in channels), default=inf))
    buckets = (bucket for channel in channels for bucket in channel.buckets.values())
    sinks = {member.sink for bucket in buckets for member in bucket.apart.values()}
    metrics.behind.set(sum(bool(sink.backlog) for sink in sinks))
