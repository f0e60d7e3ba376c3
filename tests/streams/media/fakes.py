"""A viewer and a publisher without a network, for what the relay decides."""

from collections.abc import Iterable

from streams.media.fanout import Fanout
from streams.media.peer import Peer
from streams.media.relay import Relay
from streams.media.rtp import Packet, parse
from streams.media.sdp import Codec, Kind
from streams.media.track import Track

H264 = Codec("H264", 96, None, 90_000, None, {"profile-level-id": "42e01f"})
VP8 = Codec("VP8", 97, None, 90_000, None)
OPUS = Codec("opus", 111, None, 48_000, 2)
CODECS: dict[Kind, Codec] = {"video": H264, "audio": OPUS}

KEY, DELTA = b"\x65key", b"\x41delta"


class Wire(Fanout):
    """Keeps what leaves, by peer."""

    def __init__(self) -> None:
        super().__init__()
        self.left: dict[Peer, list[Packet]] = {}

    def send(self, packet: bytes, peers: Iterable[Peer]) -> None:
        for peer in peers:
            self.left.setdefault(peer, []).append(parse(packet))


class Mute(Peer):
    """A peer that only counts what RTCP it would send."""

    def __init__(self) -> None:
        self.connected = True
        self.reports: list[bytes] = []
        self.goodbyes = 0

    def send_rtcp(self, data: bytes) -> None:
        self.reports.append(data)

    def close(self) -> None:
        self.goodbyes += 1


class Source:
    """A publisher on air."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.asked = 0
        self.ended = False

    def request_keyframe(self) -> None:
        self.asked += 1

    def superseded(self) -> None:
        self.ended = True


class Show:
    """A relay with a source that sends pictures of two packets, 30 a second."""

    def __init__(self, codec: Codec = H264) -> None:
        self.wire = Wire()
        self.relay = Relay(1, self.wire)
        self.now = 100.0
        self.seq = 65_500
        self.ts = 4_294_960_000
        self.source = Source(1)
        self.relay.take_over(self.source, {"video": codec, "audio": OPUS})

    @property
    def track(self) -> Track:
        return self.relay.tracks["video"]

    def picture(self, first: bytes = DELTA, *, size: int = 4) -> None:
        self.packet("video", first.ljust(size, b"."))
        self.packet("video", b"\x41rest", marker=1)
        self.now += 1 / 30
        self.ts += 3_000

    def packet(self, kind: Kind, payload: bytes, marker: int = 0) -> None:
        self.seq += 1
        pt = CODECS[kind].payload_type
        packet = Packet(
            pt, marker, self.seq & 65_535, self.ts & (1 << 32) - 1, 5, payload
        )
        self.relay.forward(kind, self.seq, packet, self.now)

    def replaced(self, generation: int, codec: Codec = H264) -> Source:
        """Another source with numbers and a clock of its own."""
        source = Source(generation)
        self.relay.take_over(source, {"video": codec, "audio": OPUS})
        self.seq, self.ts = 7_000, 12_345
        return source
