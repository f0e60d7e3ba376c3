"""The media process's one object: sessions by name, streams by number, one UDP port.

It is driven by `streams/node.py` through plain values (`contract.py`), runs on one
asyncio loop, and knows neither SQL nor the store: facts leave through `Facts`.
"""

import asyncio
import ipaddress
import logging
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from streams.media.answers import Local, Sender, answer_publisher, answer_viewer
from streams.media.contract import (
    Answer,
    EtagRequired,
    Facts,
    Fragment,
    Full,
    Limits,
    NotLive,
    SessionView,
    StaleEtag,
    StreamStats,
    UnknownSession,
)
from streams.media.fanout import Fanout
from streams.media.ice import UdpMux
from streams.media.peer import Certificate, Peer
from streams.media.publisher import Publisher
from streams.media.relay import Relay
from streams.media.sdp import Codec, Kind, Offer, choose, match, parse_offer
from streams.media.trickle import parse_fragment, restart_fragment
from streams.media.viewer import Viewer

_log = logging.getLogger(__name__)
_TICK_S = 0.5
_CONNECT_S = 10.0
_OLD_CREDENTIALS_S = 15.0
_IDLE_RELAY_S = 2_000.0  # longer than the longest grace


@dataclass
class _Session:
    """What patching and reaping need to know of either kind."""

    holder: Publisher | Viewer
    offer: Offer
    etag: str
    local: Local
    opened_at: float
    settle_at: float | None = None


class Engine:
    """Forwards WebRTC from publishers to viewers without transcoding.

    `port` is the UDP port (0: any free one; `self.port` tells after `start`).
    `addresses` are put into answers, best first ("public/private" behind a NAT:
    the public one is); empty: the address that the HTTP request came to (`via`).
    If all are loopback addresses the socket is bound to loopback only.
    """

    def __init__(
        self,
        *,
        port: int,
        addresses: Sequence[str],
        facts: Facts,
        limits: Limits | None = None,
    ) -> None:
        self.port = port
        self.addresses = tuple(a.partition("/")[0] for a in addresses)
        self.facts = facts
        self.limits = limits or Limits()
        self.mux = UdpMux()
        self.certificate = Certificate.generateCertificate()
        self.fanout = Fanout()
        self._sessions: dict[str, _Session] = {}
        self._relays: dict[int, Relay] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bind the UDP port. Raises OSError if that is impossible."""
        self.mux.open(self.port, self.addresses)
        self.port = self.mux.port
        self._ticking = asyncio.create_task(self._tick_forever())

    async def stop(self) -> None:
        """Close all sessions (DTLS close_notify, facts with "stopped") and the port."""
        if self._ticking is not None:
            self._ticking.cancel()
        for name in list(self._sessions):
            self._end(name, "stopped")
        await asyncio.gather(*self._leaving)
        self.mux.close()

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
        offer = parse_offer(sdp_offer, ("sendonly", "sendrecv"))
        self._check_room()
        codecs: dict[Kind, Codec] = {m.kind: choose(m, codec) for m in offer.media}
        relay = self._relays.setdefault(stream, Relay(stream, self.fanout))
        publisher = Publisher(
            ingest,
            generation,
            relay,
            offer,
            codecs,
            max_kbps,
            self.facts,
            self._end,
        )
        session = self._admit(ingest, publisher, offer, via)
        sdp = answer_publisher(offer, codecs, session.local, max_kbps)
        return Answer(sdp, session.etag)

    async def play(
        self, *, session: str, stream: int, user: int | None, via: str, sdp_offer: str
    ) -> Answer:
        """Begin a viewer's session. Raises BadSdp, Unacceptable, NoCommonCodec, Full,
        and NotLive while nothing has been shown on the stream."""
        offer = parse_offer(sdp_offer, ("recvonly", "sendrecv"))
        relay = self._relays.get(stream)
        if relay is None or not relay.generation:
            raise NotLive
        self._check_room()
        kinds = [s.holder for s in self._sessions.values()]
        if sum(isinstance(k, Viewer) for k in kinds) >= self.limits.viewers:
            raise Full(why="viewers")
        codecs: dict[Kind, Codec] = {}
        for media in offer.media:
            on_air = relay.tracks[media.kind].codec
            codecs[media.kind] = match(media, on_air) if on_air else media.codecs[0]
        viewer = Viewer(session, user, relay, codecs, self._end)
        admitted = self._admit(session, viewer, offer, via)
        senders = {
            kind: Sender(track.ssrc, track.rtx_ssrc, relay.cname)
            for kind, track in relay.tracks.items()
        }
        sdp = answer_viewer(offer, codecs, admitted.local, senders)
        return Answer(sdp, admitted.etag)

    def _check_room(self) -> None:
        pending = sum(not s.holder.peer.connected for s in self._sessions.values())
        if pending >= self.limits.handshakes:
            raise Full(why="handshakes")

    def _admit(
        self, name: str, holder: Publisher | Viewer, offer: Offer, via: str
    ) -> _Session:
        holder.peer = Peer(
            self.mux, self.certificate, offer, holder, self._may_shake_hands
        )
        local = self._local(holder.peer, via)
        etag = secrets.token_hex(8)
        session = _Session(holder, offer, etag, local, time.monotonic())
        self._sessions[name] = session
        return session

    def _may_shake_hands(self, address: str) -> bool:
        if ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            return True
        peers = (s.holder.peer for s in self._sessions.values())
        busy = Counter(p.address for p in peers if not p.connected)
        return busy[address] < self.limits.handshakes_an_address

    def _local(self, peer: Peer, via: str) -> Local:
        addresses = self.addresses or (via,)
        return Local(
            peer.ufrag,
            peer.pwd,
            self.certificate.sha256,
            tuple((address, self.port) for address in addresses),
        )

    async def patch(
        self, *, session: str, if_match: str | None, fragment: str
    ) -> Fragment | None:
        """Take a trickle fragment (None: 204) or an ICE restart (a Fragment: 200).

        `if_match` is the header's value as it came, quotes included. Raises BadSdp,
        UnknownSession, StaleEtag, EtagRequired.
        """
        found = self._sessions.get(session)
        if found is None:
            raise UnknownSession
        asked = parse_fragment(fragment)
        if if_match not in (None, "*", f'"{found.etag}"'):
            raise StaleEtag
        offer = found.offer
        if asked.ufrag in (None, offer.ufrag) and asked.pwd in (None, offer.pwd):
            return None  # candidates are for who sends checks; we answer them
        if if_match is None:
            raise EtagRequired
        peer = found.holder.peer
        peer.restart()
        found.offer = offer.renewed(asked.ufrag, asked.pwd)
        found.local = found.local.renewed(peer.ufrag, peer.pwd)
        found.etag = secrets.token_hex(8)
        found.settle_at = time.monotonic() + _OLD_CREDENTIALS_S
        return Fragment(restart_fragment(offer, found.local), found.etag)

    async def close(self, session: str, reason: str) -> bool:
        """End an ingest or a viewer's session; False if there is none of that name."""
        return self._end(session, reason)

    def _end(self, name: str, reason: str) -> bool:
        session = self._sessions.pop(name, None)
        if session is None:
            return False
        session.holder.close()
        leaving = asyncio.create_task(session.holder.peer.gone())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        if isinstance(session.holder, Publisher):
            self._drop_unseen(session.holder.relay)
            self.facts.ingest_closed(name, reason)
        return True

    def _drop_unseen(self, relay: Relay) -> None:
        """A stream that never showed anything is forgotten with its last session."""
        others = (s.holder.relay for s in self._sessions.values())
        if not relay.generation and relay not in others:
            self._relays.pop(relay.stream, None)

    async def stop_stream(self, stream: int, reason: str) -> None:
        """End all sessions of a stream and forget its picture."""
        for name, session in list(self._sessions.items()):
            if session.holder.relay.stream == stream:
                self._end(name, reason)
        self._relays.pop(stream, None)

    async def _tick_forever(self) -> None:
        beat = 0
        while True:
            await asyncio.sleep(_TICK_S)
            beat += 1
            try:
                await self._tick(beat, time.monotonic())
            except Exception:  # the process must outlive one bad session
                _log.exception("a tick of the media engine")

    async def _tick(self, beat: int, now: float) -> None:
        for name, session in list(self._sessions.items()):
            self._tick_session(name, session, now)
        if beat % 2:
            return
        for stream, relay in list(self._relays.items()):
            relay.report()
            if relay.idle_for(now) > _IDLE_RELAY_S:
                await self.stop_stream(stream, "idle")

    def _tick_session(self, name: str, session: _Session, now: float) -> None:
        holder = session.holder
        holder.tick(now)
        if not holder.peer.connected and now - session.opened_at > _CONNECT_S:
            self._end(name, "connecting")
        elif session.settle_at is not None and now > session.settle_at:
            session.settle_at = None
            holder.peer.settle()

    def stats(self, stream: int) -> StreamStats:
        """The stream's incoming media; all zero and None when it is not here."""
        relay = self._relays.get(stream)
        publisher = relay.source if relay is not None else None
        if relay is None or not isinstance(publisher, Publisher):
            viewers = relay.viewers if relay is not None else 0
            return StreamStats(stream, None, 0, None, None, viewers=viewers)
        return publisher.stats()

    def sessions(self) -> list[SessionView]:
        """All sessions of this process, ingests first."""
        views = [s.holder.view() for s in self._sessions.values()]
        return sorted(views, key=lambda view: view.kind)

    def viewers(self, stream: int) -> int:
        """Connected viewer sessions of the stream."""
        relay = self._relays.get(stream)
        return relay.viewers if relay is not None else 0
