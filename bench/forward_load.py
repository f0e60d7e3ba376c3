"""Light viewers for `bench/forward.py`: real ICE and DTLS, nothing decoded.

Each viewer has a socket, is the controlling side, checks each 2.5 s, reports twice as
often and reads sequence numbers for loss. Prints a line when all are connected, then
figures for each line that it is asked by.
"""

import asyncio
import json
import re
import struct
import sys
import time
from typing import Any, cast

import httpx
from aioice import stun
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=msid-semantic: WMS *
m=video 9 UDP/TLS/RTP/SAVPF 108 109
c=IN IP4 127.0.0.1
a=mid:0
a=recvonly
a=rtcp-mux
a=rtpmap:108 H264/90000
a=rtcp-fb:108 nack
a=rtcp-fb:108 nack pli
a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:109 rtx/90000
a=fmtp:109 apt=108
{transport}
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 127.0.0.1
a=mid:1
a=recvonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
{transport}
"""
TRANSPORT = """a=ice-ufrag:{ufrag}
a=ice-pwd:{pwd}
a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host
a=end-of-candidates
a=fingerprint:sha-256 {fingerprint}
a=setup:active"""


class Viewer(asyncio.DatagramProtocol):
    """One viewer; also the transport that RTCDtlsTransport takes."""

    role = "controlling"

    def __init__(self, number: int, certificate: RTCCertificate) -> None:
        self.packets = 0
        self.lost = 0
        self.ready = asyncio.Event()
        self._certificate = certificate
        self._ufrag, self._pwd = f"load{number:04d}", f"{number:024d}"
        self._numbers: dict[int, int] = {}  # highest by SSRC
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue(64)
        self._checked = asyncio.Event()
        self._transport: Any = None
        self._dtls: Any = None
        self._remote: tuple[str, int] = ("127.0.0.1", 0)
        self._theirs: dict[str, str] = {}

    async def watch(self, url: str) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, ("127.0.0.1", 0)
        )
        answer = await asyncio.to_thread(self._post, url)
        keys = ("ice-ufrag", "ice-pwd", "fingerprint")
        self._theirs = {
            key: cast(re.Match[str], re.search(f"a={key}:(.*)", answer))[1].strip()
            for key in keys
        }
        candidates = re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+)", answer, re.I)
        local = [c for c in candidates if c[0].startswith("127.")] or candidates
        self._remote = (local[0][0], int(local[0][1]))
        while not self._checked.is_set():
            self._check()
            await asyncio.sleep(0.05)
        self._dtls = RTCDtlsTransport(cast(Any, self), [self._certificate])
        self._dtls._set_role("client")
        kind, _, value = self._theirs["fingerprint"].partition(" ")
        await self._dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(kind, value)]))
        assert self._dtls.state == "connected"
        self.ready.set()
        while True:
            self._check()
            for _ in range(2):
                self._report()
                await asyncio.sleep(1.25)

    def _post(self, url: str) -> str:
        port = self._transport.get_extra_info("sockname")[1]
        print_of = self._certificate.getFingerprints()[0].value
        transport = TRANSPORT.format(
            ufrag=self._ufrag, pwd=self._pwd, port=port, fingerprint=print_of
        )
        offer = OFFER.format(transport=transport).replace("\n", "\r\n")
        return httpx.post(url, content=offer, timeout=20).text

    def _check(self) -> None:
        request = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.REQUEST,
            attributes={
                "USERNAME": f"{self._theirs['ice-ufrag']}:{self._ufrag}",
                "PRIORITY": 1,
                "ICE-CONTROLLING": 1,
                "USE-CANDIDATE": None,
            },
        )
        request.add_message_integrity(self._theirs["ice-pwd"].encode())
        self._transport.sendto(bytes(request), self._remote)

    def _report(self) -> None:
        blocks = [
            RtcpReceiverInfo(ssrc, 0, 0, highest, 0, 0, 0)
            for ssrc, highest in self._numbers.items()
        ]
        report = bytes(RtcpRrPacket(1, blocks))
        self._transport.sendto(self._dtls._tx_srtp.protect_rtcp(report), self._remote)

    def datagram_received(self, data: bytes, address: Any) -> None:
        if data[0] >= 128:
            if not 192 <= data[1] < 224:
                self._count(data)
        elif data[0] >= 20:
            self._inbox.put_nowait(data)
        elif data[:2] == b"\x01\x01":
            self._checked.set()
        elif data[:2] == b"\x00\x01":  # a full agent checks us too
            self._answer(stun.parse_message(data), address)

    def _answer(self, request: stun.Message, address: Any) -> None:
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
            attributes={"XOR-MAPPED-ADDRESS": address[:2]},
        )
        response.add_message_integrity(self._pwd.encode())
        self._transport.sendto(bytes(response), address)

    def _count(self, data: bytes) -> None:
        seq, _, ssrc = struct.unpack_from("!HII", data, 2)
        self.packets += 1
        highest = self._numbers.get(ssrc, seq - 1 & 0xFFFF)
        step = seq - highest & 0xFFFF
        if step < 0x8000:
            self.lost += step - 1 if step else 0
            self._numbers[ssrc] = seq

    async def _recv(self) -> bytes:
        return await self._inbox.get()

    async def _send(self, data: bytes) -> None:
        self._transport.sendto(data, self._remote)


async def main(url: str, count: int) -> None:
    certificate = RTCCertificate.generateCertificate()
    viewers = [Viewer(number, certificate) for number in range(count)]
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for viewer in viewers:
            group.create_task(viewer.watch(url))
        async with asyncio.timeout(40):
            await asyncio.gather(*(viewer.ready.wait() for viewer in viewers))
        say(connected=count, within_s=round(time.monotonic() - began, 2))
        while await asyncio.to_thread(sys.stdin.readline):
            packets = sum(viewer.packets for viewer in viewers)
            lost = sum(viewer.lost for viewer in viewers)
            say(at=time.monotonic(), packets=packets, lost=lost)


def say(**told: object) -> None:
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
