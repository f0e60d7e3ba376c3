"""What leaves for viewers, noted before it is protected."""

from collections.abc import Iterable
from typing import NamedTuple

from streams.media.fanout import Fanout
from streams.media.peer import Peer
from streams.media.rtp import Packet, parse


class Leaving(NamedTuple):
    """A packet and how many it was for."""

    packet: Packet
    peers: int


class Recorder(Fanout):
    """A fan-out that also remembers, up to 20,000 packets."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[Leaving] = []

    def send(self, packet: bytes, peers: Iterable[Peer]) -> None:
        peers = list(peers)
        if len(self.left) < 20_000:
            self.left.append(Leaving(parse(packet), len(peers)))
        super().send(packet, peers)
