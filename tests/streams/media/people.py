"""Publishers and viewers of other makes: ffmpeg as a child, aiortc in here."""

import asyncio
import fractions
import signal
import time
from typing import Any, Protocol

import av
import imageio_ffmpeg
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError


class Posts(Protocol):
    """Where an offer is posted: `door.Door`, or the product's own."""

    async def post(self, path: str, offer: str) -> str: ...


class Encoder:
    """ffmpeg's `whip` muxer. `active` makes it the DTLS client; its default is not."""

    def __init__(
        self, url: str, *, seconds: float = 30, gop: int = 30, active: bool = False
    ) -> None:
        self.frames = int(seconds * 30)
        self._process: asyncio.subprocess.Process | None = None
        line = (
            "-nostdin -hide_banner -loglevel error -re -f lavfi"
            " -i testsrc2=size=360x640:rate=30 -f lavfi"
            " -i sine=frequency=440:sample_rate=48000 -c:v libx264"
            " -profile:v baseline -preset ultrafast -tune zerolatency"
            f" -pix_fmt yuv420p -b:v 800k -g {gop} -keyint_min {gop}"
            f" -c:a libopus -ac 2 -t {seconds}"
            f"{' -whip_flags dtls_active' if active else ''} -f whip {url}"
        )
        self._command = [imageio_ffmpeg.get_ffmpeg_exe(), *line.split()]

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def done(self) -> None:
        """Wait until all is sent and the session deleted."""
        assert self._process is not None
        async with asyncio.timeout(60):
            await self._process.wait()

    def kill(self) -> None:
        """Die without a word."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Stop, go on or end the process."""
        assert self._process is not None
        self._process.send_signal(number)

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class Watcher:
    """An aiortc viewer that counts and dates decoded frames."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.frames: list[tuple[float, int, int, int]] = []  # at, pts, width, height
        self.sounds = 0
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.pc.addTransceiver("video", direction="recvonly")
        self.pc.addTransceiver("audio", direction="recvonly")
        self.pc.on("track", self._track)

    def _track(self, track: Any) -> None:
        self._tasks.append(asyncio.create_task(self._receive(track)))

    async def _receive(self, track: Any) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if track.kind == "audio":
                self.sounds += 1
            else:
                now = time.monotonic()
                self.frames.append((now, frame.pts, frame.width, frame.height))
            self._changed.set()

    async def play(self, door: Posts, stream: int) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        answer = await door.post(f"/whep/{stream}", self.pc.localDescription.sdp)
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def saw(self, frames: int, within: float = 20.0) -> None:
        """Wait until so many frames were decoded."""
        async with asyncio.timeout(within):
            while len(self.frames) < frames:
                self._changed.clear()
                await self._changed.wait()

    async def heard(self, sounds: int, within: float = 20.0) -> None:
        """Wait until so many pieces of 20 ms were decoded."""
        async with asyncio.timeout(within):
            while self.sounds < sounds:
                self._changed.clear()
                await self._changed.wait()

    @property
    def longest_gap(self) -> float:
        """Seconds without a new frame, at worst."""
        times = [frame[0] for frame in self.frames]
        return max(b - a for a, b in zip(times, times[1:], strict=False))

    async def stop(self) -> None:
        await self.pc.close()
        await asyncio.gather(*self._tasks)


class _Picture(VideoStreamTrack):
    """A grey that changes, small enough to encode beside everything else."""

    async def recv(self) -> av.VideoFrame:
        pts, base = await self.next_timestamp()
        frame = av.VideoFrame(320, 240, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([pts // 3000 % 256]) * plane.buffer_size)
        frame.pts, frame.time_base = pts, fractions.Fraction(base)
        return frame


class Camera:
    """An aiortc publisher of one video codec, or none, and Opus."""

    def __init__(self, codec: str | None) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._codec = codec

    async def publish(self, door: Posts, stream: int) -> None:
        self.pc.addTransceiver(AudioStreamTrack(), direction="sendonly")
        if self._codec is not None:
            video = self.pc.addTransceiver(_Picture(), direction="sendonly")
            known = RTCRtpSender.getCapabilities("video").codecs
            wanted = (self._codec, "rtx")
            video.setCodecPreferences([c for c in known if c.name in wanted])
        await self.pc.setLocalDescription(await self.pc.createOffer())
        answer = await door.post(f"/whip/{stream}", self.pc.localDescription.sdp)
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def stop(self) -> None:
        await self.pc.close()
