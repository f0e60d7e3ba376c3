"""What a process counts, as Prometheus reads it. No ids in labels.

Fan-out counts once a pass, never once a delivery. What is a state and no event
(connections on channels, ticks, rows unsent) is read when asked: `gauges.py`.
"""

from functools import cache

from prometheus_client import (
    REGISTRY,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from realtime.lanes import Lane

disable_created_metrics()  # type: ignore[no-untyped-call] # the library's

QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5)
SLOW = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 4)

connections = Gauge("souk_connections", "Open sockets.", ["codec", "deflate"])
connects = Counter(
    "souk_connects",
    "Sockets that asked to come in: ok, an HTTP status, an error code, a close code.",
    ["result"],
)
disconnects = Counter(
    "souk_disconnects", "Sockets that ended, by our close code, or gone by themselves.",
    ["code"],
)  # fmt: skip
subscriptions = Gauge("souk_subscriptions", "Members of channels.", ["ns"])
publications = Counter("souk_publications", "Published from this process.", ["ns"])
deliveries = Counter(
    "souk_deliveries", "Publications handed to viewers, or to what waits for them.",
    ["lane"],
)  # fmt: skip
sends = Counter("souk_sends", "Frames offered to sockets.")
bytes_sent = Counter("souk_bytes", "Bytes that sockets took.")
dropped = Counter(
    "souk_dropped",
    "Publications a viewer was not told. budget: shed for all; behind: for one.",
    ["lane", "why"],
)
behind = Gauge("souk_behind", "Viewers for whom something waits.")
push_delay = Histogram(
    "souk_push_delay_seconds",
    "From publishing until told, of the oldest publication of a pass.",
    ["lane"],
    buckets=SLOW,
)
pass_seconds = Histogram(
    "souk_pass_seconds", "How long a pass took, urgent or tick.", ["kind"],
    buckets=QUICK,
)  # fmt: skip
tick_seconds = Gauge("souk_tick_seconds", "The longest tick of any channel.")
budget = Gauge(
    "souk_budget", "The smallest budget of any channel, publications a second."
)
loop_lag = Gauge("souk_loop_lag_seconds", "The loop's worst lag of the last second.")
commands = Counter("souk_commands", "Answered; code 0: done.", ["method", "code"])
command_seconds = Histogram(
    "souk_command_seconds", "From a command to its reply.", ["method"], buckets=SLOW
)
recoveries = Counter(
    "souk_recoveries", "Readers who came back: recovered, or why not.",
    ["ns", "result"],
)  # fmt: skip
gaps = Counter(
    "souk_gaps", "Holes in what the bus brought: filled, or lost.", ["result"]
)
store_up = Gauge("souk_store_up", "1: the store answers.")
store_seconds = Histogram(
    "souk_store_seconds",
    "How long a round trip took that had such a script or command among its calls.",
    ["script"],
    buckets=QUICK,
)
outbox_unsent = Gauge("souk_outbox_unsent", "Rows of the outbox not sent yet.")
outbox_age = Gauge("souk_outbox_age_seconds", "How long the oldest of them waits.")
db_waiting = Gauge("souk_db_waiting", "Queries waiting for a thread.")
db_seconds = Histogram(
    "souk_db_seconds", "A query's wait and work in a database thread.", buckets=SLOW
)

# Looking a child up costs three times what counting does.
DELIVERED = {lane: deliveries.labels(lane.value) for lane in Lane}
DELAYED = {lane: push_delay.labels(lane.value) for lane in Lane}
SHED = {why: dropped.labels(Lane.SAMPLED.value, why) for why in ("budget", "behind")}
published = cache(publications.labels)
opened = cache(connections.labels)
answered = cache(commands.labels)
answered_in = cache(command_seconds.labels)
PASSED = {kind: pass_seconds.labels(kind) for kind in ("urgent", "tick")}


def text() -> bytes:
    """All of it in Prometheus' text format; some 10 ms, not for the loop."""
    return generate_latest(REGISTRY)
