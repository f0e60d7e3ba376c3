"""What the media engine promises to whoever drives it: answers, facts and refusals.

`streams/node.py` is the driver in the product; tests and benches drive the engine too.
Everything here is a plain value, so that it may cross a process boundary as it is.
"""

from typing import ClassVar, Literal, Protocol

import msgspec

SessionState = Literal["connecting", "active", "silent", "closed"]


class Answer(msgspec.Struct, frozen=True):
    """The answer to an offer: 201's body, and its strong ETag without the quotes."""

    sdp: str
    etag: str


class Fragment(msgspec.Struct, frozen=True):
    """The answer to an ICE restart: 200's `application/trickle-ice-sdpfrag` body."""

    sdpfrag: str
    etag: str


class Limits(msgspec.Struct, frozen=True):
    """Bounds of a process. Handshakes from loopback are not counted by address."""

    viewers: int = 400
    handshakes: int = 500
    handshakes_an_address: int = 8


class StreamStats(msgspec.Struct, frozen=True):
    """How a stream's incoming media is, over the last two seconds.

    `keyframe_s` is the distance of the last two keyframes, `key_age_s` the age of the
    last; `rtt_ms` is measured from a NACK to its retransmission. `None` means that it
    is not known (yet); `ingest` is None while nobody publishes.
    """

    stream: int
    ingest: str | None
    generation: int
    video: str | None
    audio: str | None
    kbps: int = 0
    fps: float = 0.0
    width: int | None = None
    height: int | None = None
    keyframe_s: float | None = None
    key_age_s: float | None = None
    loss_pct: float = 0.0
    jitter_ms: float = 0.0
    rtt_ms: float | None = None
    nacks: int = 0
    plis: int = 0
    viewers: int = 0


class SessionView(msgspec.Struct, frozen=True):
    """One session held by this process, for the comparison with SQL each 2 s."""

    session: str
    kind: Literal["ingest", "viewer"]
    stream: int
    state: SessionState
    generation: int | None = None
    user: int | None = None


class Facts(Protocol):
    """What the engine tells, synchronously on its loop, in the order it happened.

    An implementation must return at once and not raise: it queues.
    """

    def ingest_started(
        self, ingest: str, generation: int, video: str | None, audio: str | None
    ) -> None:
        """The first keyframe arrived (no video offered: the first Opus packet).

        `video` is "H264" or "VP8", `audio` "opus"; None where none was negotiated.
        """

    def ingest_silent(self, ingest: str) -> None:
        """No RTP has come for 2 s."""

    def ingest_resumed(self, ingest: str) -> None:
        """RTP came again after a silence, with a keyframe."""

    def ingest_closed(self, ingest: str, reason: str) -> None:
        """The session is over, and its name forgotten.

        `reason`: what `close` or `stop_stream` was given, or "dtls" (closed or failed),
        "consent" (no STUN check for 30 s), "silent" (no RTP for 30 s), "connecting"
        (never showed a picture in 10 s), "superseded", "flood", "stopped" (the process
        ends).
        """


class Refused(Exception):
    """A call that was understood and is not done: a name of the wire and its facts."""

    name: ClassVar[str] = "refused"

    def __init__(self, **data: object) -> None:
        super().__init__(self.name, data)
        self.data = data


class BadSdp(Refused):
    """Not SDP (or not an sdpfrag): `line` (from 1; 0: as a whole) and `why`."""

    name = "bad_sdp"


class Unacceptable(Refused):
    """SDP of a wrong shape: `m_line` (from 0; -1: the session) and `why`."""

    name = "unacceptable"


class NoCommonCodec(Refused):
    """The viewer cannot decode what is on air: `codec`."""

    name = "no_common_codec"


class NotLive(Refused):
    """Nothing has been shown on this stream yet."""

    name = "not_live"


class Full(Refused):
    """No room for another session: `why` (viewers, handshakes, address)."""

    name = "full"


class UnknownSession(Refused):
    """No such session here, or no longer."""

    name = "unknown_session"


class StaleEtag(Refused):
    """`If-Match` names another ICE session than the current one."""

    name = "stale_etag"


class EtagRequired(Refused):
    """An ICE restart without `If-Match`."""

    name = "etag_required"
