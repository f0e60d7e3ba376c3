"""One stream's middle: the publisher on air, the tracks, and who watches.

A newcomer of a higher generation takes over when it shows a keyframe; viewers notice
nothing but the new picture. Neighbours: publisher.py feeds it, viewer.py hangs on it.
"""

import asyncio
import secrets
import time
from typing import Protocol

from aiortc.rtp import RtcpSdesPacket, RtcpSourceInfo

from streams.media.fanout import Fanout
from streams.media.peer import Peer
from streams.media.rtp import Packet, header
from streams.media.sdp import Codec, Kind
from streams.media.track import Track

_PLI_EVERY = 0.5


class Source(Protocol):
    """The publisher on air."""

    generation: int

    def request_keyframe(self) -> None:
        """Send a PLI now."""

    def superseded(self) -> None:
        """A higher generation is on air."""


class Watcher(Protocol):
    """A viewer, as the relay sees it."""

    peer: Peer
    codecs: dict[Kind, Codec]

    def burst(self, track: Track, start: int) -> None:
        """Begin at a keyframe of the past; ends in `Relay.watch`."""

    def lost(self, reason: str) -> None:
        """What is on air cannot be decoded by this session any more."""


class Relay:
    """`source` is None while nobody publishes; viewers and numbering stay."""

    def __init__(self, stream: int, fanout: Fanout) -> None:
        self.stream = stream
        self.fanout = fanout
        self.tracks: dict[Kind, Track] = {
            "audio": Track("audio"),
            "video": Track("video"),
        }
        self.source: Source | None = None
        self.generation = 0  # the highest that showed a picture
        self.idle_since = time.monotonic()
        self.bytes_a_second = 0
        self.cname = secrets.token_hex(8)
        self._watchers: dict[Watcher, None] = {}
        self._waiting: dict[Watcher, None] = {}  # for a keyframe
        self._groups: dict[tuple[Kind, int], dict[Peer, None]] = {}
        self._pli_at = 0.0
        self._trailing: asyncio.TimerHandle | None = None

    def take_over(self, source: Source, codecs: dict[Kind, Codec]) -> None:
        """Put `source`, of a higher generation, on air from its next packet on.

        Viewers who cannot decode its codec are let go, then the old source.
        """
        old, self.source = self.source, source
        self.generation = source.generation
        for kind, codec in codecs.items():
            self.tracks[kind].begin(codec)
            self._let_go(kind, codec)
        if old is not None:
            old.superseded()

    def _let_go(self, kind: Kind, codec: Codec) -> None:
        for watcher in list(self._watchers):
            mine = watcher.codecs.get(kind)
            if mine is not None and mine.name != codec.name:
                watcher.lost("codec")

    def retire(self, source: Source) -> None:
        """The publisher is gone; the stream waits for the next."""
        if self.source is source:
            self.source = None
            self.idle_since = time.monotonic()

    def forward(self, kind: Kind, number: int, packet: Packet, now: float) -> None:
        """Send a packet of the publisher on air to all who watch."""
        track = self.tracks[kind]
        sent = track.place(number, packet, now)
        if sent is None:
            return
        for (of, pt), group in self._groups.items():
            if of == kind and group:
                head = header(pt, sent.marker, sent.number, sent.ts, track.ssrc)
                self.fanout.send(head + sent.payload, group)
        if self._waiting and kind == "video" and track.picture() is not None:
            waiting, self._waiting = self._waiting, {}
            for watcher in waiting:
                self._begin(watcher, track)

    def join(self, watcher: Watcher) -> None:
        """A viewer is connected: sound at once, the picture from the last keyframe."""
        self._watchers[watcher] = None
        self._send_reports([watcher.peer])
        for kind in watcher.codecs:
            if kind == "audio":
                self.watch(watcher, kind)
            elif self.tracks["video"].picture() is not None:
                self._begin(watcher, self.tracks["video"])
            else:
                self._waiting[watcher] = None
                self.want_keyframe(time.monotonic())

    def _begin(self, watcher: Watcher, track: Track) -> None:
        start = track.picture()
        if start is not None:
            watcher.burst(track, start)

    def watch(self, watcher: Watcher, kind: Kind) -> None:
        """Put a viewer into the group that gets live packets."""
        if watcher in self._watchers:
            pt = watcher.codecs[kind].payload_type
            self._groups.setdefault((kind, pt), {})[watcher.peer] = None

    def leave(self, watcher: Watcher) -> None:
        """Forget a viewer."""
        self._watchers.pop(watcher, None)
        self._waiting.pop(watcher, None)
        for kind, codec in watcher.codecs.items():
            self._groups.get((kind, codec.payload_type), {}).pop(watcher.peer, None)

    @property
    def viewers(self) -> int:
        """Connected viewers."""
        return len(self._watchers)

    def idle_for(self, now: float) -> float:
        """Seconds without anybody: neither a publisher nor a viewer."""
        if self.source is not None or self._watchers:
            self.idle_since = now
        return now - self.idle_since

    def want_keyframe(self, now: float) -> None:
        """Ask the publisher, once in 500 ms; later wishes share one trailing."""
        if self.source is None or self._trailing is not None:
            return
        wait = self._pli_at + _PLI_EVERY - now
        if wait > 0:
            loop = asyncio.get_running_loop()
            self._trailing = loop.call_later(wait, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        self._trailing = None
        self._pli_at = time.monotonic()
        if self.source is not None:
            self.source.request_keyframe()

    def report(self) -> None:
        """Sender reports to all; called each second."""
        self._send_reports([w.peer for w in self._watchers])

    def _send_reports(self, peers: list[Peer]) -> None:
        wall, now = time.time(), time.monotonic()
        tracks = self.tracks.values()
        reports = [r for t in tracks if (r := t.sender_report(wall, now)) is not None]
        if not reports:
            return
        named = [(1, self.cname.encode())]
        sdes = RtcpSdesPacket([RtcpSourceInfo(r.ssrc, named) for r in reports])
        compound = b"".join(map(bytes, reports)) + bytes(sdes)
        for peer in peers:
            peer.send_rtcp(compound)
