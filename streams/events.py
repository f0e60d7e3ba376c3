"""What the room tells on `deals:<stream>`, `state:<stream>` and `staff:<stream>`.

All carry the stream, its version, and the database's time in epoch milliseconds.
"""

from typing import Any, Literal

from msgspec import Struct

from realtime import Event, Latest


class Media(Struct, frozen=True):
    """What is sent: `H264` or `VP8`, `opus`; null where there is none."""

    video: str | None
    audio: str | None


class OfStream(Struct, frozen=True, kw_only=True):
    stream: int
    version: int
    at: int


class StreamStarted(Event, OfStream, tag="stream.started", frozen=True):
    generation: int
    media: Media


class StreamInterrupted(Event, OfStream, tag="stream.interrupted", frozen=True):
    """The host is away; the show waits until `grace_until`, epoch ms."""

    grace_until: int


class StreamRecovered(Event, OfStream, tag="stream.recovered", frozen=True):
    """The picture is back. `rejoin`: by a new session only, the codec has changed."""

    gap_ms: int
    generation: int
    rejoin: bool


class StreamEnded(Event, OfStream, tag="stream.ended", frozen=True):
    reason: str


class StreamUpdated(Event, OfStream, tag="stream.updated", frozen=True):
    """`changed` holds the new values of what the host changed."""

    changed: dict[str, Any]


class StreamPreviewed(Event, OfStream, tag="stream.previewed", frozen=True):
    """Staff: a picture comes in, nobody else sees it yet."""

    generation: int
    media: Media


class IngestOpened(Event, OfStream, tag="ingest.opened", frozen=True):
    """Staff: a publishing session was accepted. It has shown nothing yet."""

    ingest: str
    generation: int
    by: int
    agent: str


class IngestClosed(Event, OfStream, tag="ingest.closed", frozen=True):
    """Staff: a publishing session is over."""

    ingest: str
    reason: str


StreamChange = (
    StreamPreviewed
    | StreamStarted
    | StreamInterrupted
    | StreamRecovered
    | StreamEnded
    | StreamUpdated
)

Verdict = Literal["good", "ok", "bad", "no_data"]


class StreamHealth(Event, tag="stream.health", frozen=True, kw_only=True):
    """Staff, every two seconds, not kept: how the incoming media is."""

    stream: int
    at: int
    verdict: Verdict
    hints: list[str]
    kbps: int
    fps: float
    width: int | None
    height: int | None
    video: str | None
    audio: str | None
    keyframe_s: float | None
    key_age_s: float | None
    loss_pct: float
    jitter_ms: float
    rtt_ms: float | None
    nacks: int
    plis: int
    viewers: int


class Viewers(Latest, frozen=True, kw_only=True):
    """`state:`, key `viewers`. `total` counts people, approximately."""

    now: int
    peak: int
    total: int

    @property
    def key(self) -> str:
        return "viewers"
