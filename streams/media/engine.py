"""The media process's one object: sessions by name, streams by number, one UDP port.

It is driven by `streams/node.py` through plain values (`contract.py`), runs on one
asyncio loop, and knows neither SQL nor the store: facts leave through `Facts`.
"""

from collections.abc import Sequence

from streams.media.contract import (
    Answer,
    Facts,
    Fragment,
    NotLive,
    SessionView,
    StreamStats,
    UnknownSession,
)


class Engine:
    """Forwards WebRTC from publishers to viewers without transcoding.

    `port` is the UDP port (0: any free one; `self.port` tells after `start`).
    `addresses` are the addresses put into answers, best first; empty: the address
    that the HTTP request came to (`via`) is. If all are loopback addresses the
    socket is bound to loopback only.
    """

    def __init__(self, *, port: int, addresses: Sequence[str], facts: Facts) -> None:
        self.port = port
        self.addresses = tuple(addresses)
        self.facts = facts

    async def start(self) -> None:
        """Bind the UDP port. Raises OSError if that is impossible."""

    async def stop(self) -> None:
        """Close all sessions (DTLS close_notify, facts with "stopped") and the port."""

    async def publish(
        self,
        *,
        ingest: str,
        stream: int,
        generation: int,
        codec: str | None,
        max_kbps: int,
        via: str,
        sdp_offer: str,
    ) -> Answer:
        """Begin a publishing session named `ingest`.

        `codec` is the video codec of the stream's earlier generation, preferred if it
        is offered. The session takes the stream over when it shows a picture, and only
        if `generation` is higher than that on air; else it is closed `superseded`.
        Raises BadSdp, Unacceptable, Full.
        """
        raise UnknownSession

    async def play(
        self, *, session: str, stream: int, user: int | None, via: str, sdp_offer: str
    ) -> Answer:
        """Begin a viewer's session. Raises BadSdp, Unacceptable, NoCommonCodec, Full,
        and NotLive while nothing has been shown on the stream."""
        raise NotLive

    async def patch(
        self, *, session: str, if_match: str | None, fragment: str
    ) -> Fragment | None:
        """Take a trickle fragment (None: 204) or an ICE restart (a Fragment: 200).

        `if_match` is the header's value as it came, quotes included. Raises BadSdp,
        UnknownSession, StaleEtag, EtagRequired.
        """
        raise UnknownSession

    async def close(self, session: str, reason: str) -> bool:
        """End an ingest or a viewer's session; False if there is none of that name."""
        return False

    async def stop_stream(self, stream: int, reason: str) -> None:
        """End all sessions of a stream and forget its picture."""

    def stats(self, stream: int) -> StreamStats:
        """The stream's incoming media; all zero and None when it is not here."""
        return StreamStats(stream, None, 0, None, None)

    def sessions(self) -> list[SessionView]:
        """All sessions of this process, ingests first."""
        return []

    def viewers(self, stream: int) -> int:
        """Connected viewer sessions of the stream."""
        return 0
