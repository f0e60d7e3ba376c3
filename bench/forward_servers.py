"""The two servers that `bench/forward.py` compares, behind the same small HTTP door.

Each prints its port, then a line when the picture is there.
"""

import asyncio
import json
import sys
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay

from streams.media.engine import Engine
from tests.streams.media.door import Door, Told


async def souk() -> None:
    told = Told()
    engine = Engine(port=0, addresses=["127.0.0.1"], facts=told)
    await engine.start()
    door = Door(engine)
    await door.open()
    say(port=door.port)
    await told.wait("started")
    say(ready=1)
    await asyncio.Event().wait()


class Naive(Door):
    """What one writes first: a peer connection each, and a relay between them."""

    def __init__(self) -> None:
        super().__init__(Engine(port=0, addresses=(), facts=Told()))
        self.shown = asyncio.Event()
        self._relay = MediaRelay()
        self._tracks: list[Any] = []
        self._peers: list[RTCPeerConnection] = []

    async def _begin(self, kind: str, stream: int, offer: str) -> tuple[str, str]:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peers.append(peer)
        if kind == "whip":
            peer.on("track", self._track)
        else:
            for track in self._tracks:
                peer.addTrack(self._relay.subscribe(track))
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return f"n{len(self._peers)}", peer.localDescription.sdp

    def _track(self, track: Any) -> None:
        self._tracks.append(track)
        if len(self._tracks) == 2:
            self.shown.set()


async def naive() -> None:
    door = Naive()
    await door.open()
    say(port=door.port)
    await door.shown.wait()
    say(ready=1)
    await asyncio.Event().wait()


def say(**told: object) -> None:
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run({"souk": souk, "naive": naive}[sys.argv[1]]())
