"""What a receiver owes a sender: which packets came, which are wanted again, and when.

`Reception` counts (RFC 3550 A.1, A.3, A.8), `NackList` asks again until it is answered
(RFC 4585), `TwccRecorder` notes arrivals for the sender's own congestion control
(draft-holmer-rmcat-transport-wide-cc-extensions-01). Pure: the clock comes in.
"""

import struct
from collections.abc import Iterable

from aiortc.rtp import RtcpReceiverInfo, clamp_packets_lost, pack_rtcp_packet

from streams.media.rtp import ahead

_WINDOW = 2_048


class Reception:
    """The packets of one SSRC: repeats, loss and jitter, by extended numbers."""

    def __init__(self, clock: int) -> None:
        self.highest = -1  # extended by the cycles; -1: nothing came yet
        self.received = 0
        self._clock = clock
        self._first = 0
        self._seen: list[int] = [-1] * _WINDOW
        self._jitter = 0.0
        self._transit: float | None = None
        self._prior = (0, 0)

    def extend(self, seq: int) -> int:
        """The extended number of a 16-bit one, nearest to the highest."""
        if self.highest < 0:
            return seq + 0x10000  # so that what came earlier stays positive
        return self.highest + ahead(seq, self.highest & 0xFFFF)

    def add(self, number: int, ts: int, now: float) -> bool:
        """Note a packet; False if it came before or is too old to tell."""
        slot = number % _WINDOW
        if self._seen[slot] == number or number <= self.highest - _WINDOW:
            return False
        self._seen[slot] = number
        self.received += 1
        if self.highest < 0:
            self._first = number
        self._first = min(self._first, number)
        if number > self.highest:
            self.highest = number
            self._note_jitter(ts, now)
        return True

    def _note_jitter(self, ts: int, now: float) -> None:
        transit = now * self._clock - ts
        if self._transit is not None:
            change = abs(transit - self._transit)
            if change < self._clock:  # a jump of timestamps is no jitter
                self._jitter += (change - self._jitter) / 16
        self._transit = transit

    @property
    def expected(self) -> int:
        """Packets that should have come."""
        return self.highest - self._first + 1 if self.highest >= 0 else 0

    @property
    def jitter_ms(self) -> float:
        return self._jitter * 1000 / self._clock

    def report(self, ssrc: int, lsr: int, dlsr: int) -> RtcpReceiverInfo:
        """The report block since the last one."""
        expected = self.expected - self._prior[0]
        received = self.received - self._prior[1]
        self._prior = (self.expected, self.received)
        lost = max(0, expected - received)
        return RtcpReceiverInfo(
            ssrc=ssrc,
            fraction_lost=min(255, lost * 256 // expected) if expected > 0 else 0,
            packets_lost=clamp_packets_lost(self.expected - self.received),
            highest_sequence=max(0, self.highest) & 0xFFFFFFFF,
            jitter=int(self._jitter) & 0xFFFFFFFF,
            lsr=lsr,
            dlsr=dlsr,
        )


class NackList:
    """Missing numbers, asked for until they come or hope ends; times in seconds.

    First 15 ms after the gap (so that reordering is not loss), then each
    max(RTT, 30 ms), at most 10 times and 600 ms. What is given up wants a keyframe.
    """

    FIRST, AGAIN, TRIES, HOPE, MAX_GAP = 0.015, 0.030, 10, 0.600, 256

    def __init__(self) -> None:
        self._missing: dict[int, tuple[float, float, int]] = {}  # since, next, tries
        self._asked: dict[int, float] = {}  # the first time, of what was asked for
        self._highest = -1
        self.rtt: float | None = None
        self.sent = 0

    def __bool__(self) -> bool:
        return bool(self._missing)

    def add(self, number: int, now: float) -> bool:
        """Note what came; False if a gap is too wide to be asked for."""
        self._missing.pop(number, None)
        asked = self._asked.pop(number, None)
        if asked is not None:
            sample = now - asked
            self.rtt = sample if self.rtt is None else 0.8 * self.rtt + 0.2 * sample
        highest, self._highest = self._highest, max(self._highest, number)
        if highest < 0 or number <= highest + 1:
            return True
        if number - highest > self.MAX_GAP:
            self.clear()
            return False
        for gap in range(highest + 1, number):
            self._missing[gap] = (now, now + self.FIRST, 0)
        return True

    def due(self, now: float) -> tuple[list[int], bool]:
        """Numbers to ask for now, and whether some were given up."""
        ask, given_up = [], False
        again = max(self.rtt or 0.0, self.AGAIN)
        for number, (since, at, tries) in list(self._missing.items()):
            if tries >= self.TRIES or now - since > self.HOPE:
                del self._missing[number]
                self._asked.pop(number, None)
                given_up = True
            elif at <= now:
                self._missing[number] = (since, now + again, tries + 1)
                if not tries:
                    self._asked[number] = now
                ask.append(number)
        self.sent += len(ask)
        return ask, given_up

    def next_at(self) -> float:
        """When `due` has something to say; only while there is something missing."""
        return min(at for _, at, _ in self._missing.values())

    def clear(self) -> None:
        """Forget what is missing: a keyframe will do."""
        self._missing.clear()
        self._asked.clear()


def nack(ssrc: int, media_ssrc: int, numbers: Iterable[int]) -> bytes:
    """A generic NACK (RFC 4585 §6.2.1); numbers may be extended."""
    payload, pid, mask = struct.pack("!II", ssrc, media_ssrc), -1, 0
    for number in sorted(numbers):
        if pid >= 0 and number - pid <= 16:
            mask |= 1 << (number - pid - 1)
            continue
        if pid >= 0:
            payload += struct.pack("!HH", pid & 0xFFFF, mask)
        pid, mask = number, 0
    payload += struct.pack("!HH", pid & 0xFFFF, mask)
    return bytes(pack_rtcp_packet(205, 1, payload))


class TwccRecorder:
    """Arrivals by transport-wide number, told to the sender in one packet at a time."""

    MAX = 50

    def __init__(self) -> None:
        self._highest = -1
        self._next = -1
        self._arrivals: dict[int, float] = {}
        self._count = 0

    def add(self, seq: int, now: float) -> bool:
        """Note one; True when it is time to tell without waiting for the 100 ms."""
        if self._highest < 0:
            self._highest = self._next = seq + 0x10000
        number = self._highest + ahead(seq, self._highest & 0xFFFF)
        self._highest = max(self._highest, number)
        if number >= self._next:
            self._arrivals.setdefault(number, now)
        return len(self._arrivals) >= self.MAX

    def feedback(self, ssrc: int, media_ssrc: int) -> bytes | None:
        """The packet about all that came since the last one; None if nothing did."""
        if not self._arrivals:
            return None
        numbers = sorted(self._arrivals)
        first = min(self._next, numbers[0])
        if numbers[-1] - first > 2_000:  # a jump is not told packet by packet
            first = numbers[0]
        last = min(numbers[-1], first + 2_000)
        reference = int(self._arrivals[numbers[0]] * 1000) // 64
        clock = reference * 256  # in steps of 250 µs
        symbols, deltas = [], b""
        for number in range(first, last + 1):
            at = self._arrivals.get(number)
            if at is None:
                symbols.append(0)
                continue
            step = max(-32_768, min(32_767, round(at * 4000) - clock))
            clock += step
            small = 0 <= step < 256
            symbols.append(1 if small else 2)
            deltas += struct.pack("!B" if small else "!h", step)
        head = struct.pack("!IIHH", ssrc, media_ssrc, first & 0xFFFF, len(symbols))
        head += (reference & 0xFFFFFF).to_bytes(3, "big") + bytes([self._count & 255])
        body = head + _chunks(symbols) + deltas
        self._count += 1
        self._next = last + 1
        self._arrivals.clear()
        return bytes(pack_rtcp_packet(205, 15, body + bytes(-len(body) % 4)))


def _chunks(symbols: list[int]) -> bytes:
    """Run lengths where seven or more are equal, else vectors of seven."""
    out, at = b"", 0
    while at < len(symbols):
        run = 1
        while at + run < len(symbols) and symbols[at + run] == symbols[at]:
            run += 1
        if run >= 7:
            run = min(run, 8_191)
            out += struct.pack("!H", symbols[at] << 13 | run)
            at += run
            continue
        vector = 0xC000
        for place, symbol in enumerate(symbols[at : at + 7]):
            vector |= symbol << (12 - 2 * place)
        out += struct.pack("!H", vector)
        at += 7
    return out
