"""What is asked for again, and what is told about arrivals."""

import struct

from aiortc.rtp import RtcpPacket, RtcpRtpfbPacket
from hypothesis import given
from hypothesis import strategies as st

from streams.media.feedback import NackList, Reception, TwccRecorder, nack


def test_repeats_are_dropped_and_loss_is_counted() -> None:
    reception = Reception(90_000)

    def came(seq: int) -> bool:
        return reception.add(reception.extend(seq), 0, 0.0)

    assert came(65_534) and came(65_535) and came(1)
    assert not came(65_534)
    report = reception.report(7, 0, 0)
    assert (report.packets_lost, report.fraction_lost) == (1, 64)
    assert came(0)  # late
    assert reception.report(7, 0, 0).packets_lost == 0
    assert reception.highest & 0xFFFF == 1


def test_what_is_older_than_the_window_is_a_repeat() -> None:
    reception = Reception(90_000)
    for number in range(70_000, 73_000):
        assert reception.add(number, 0, 0.0)
    assert not reception.add(70_500, 0, 0.0)


def test_jitter_is_about_transit_not_about_sending() -> None:
    steady, shaky = Reception(90_000), Reception(90_000)
    for n in range(100):
        steady.add(n, n * 3000, n / 30)
        shaky.add(n, n * 3000, n / 30 + (0.01 if n % 2 else 0))
    assert steady.jitter_ms < 0.1
    assert 5 < shaky.jitter_ms < 12


def test_a_gap_is_asked_for_until_it_comes() -> None:
    nacks = NackList()
    for number in (1, 2, 5):
        assert nacks.add(number, 0.0)
    assert nacks.due(0.010) == ([], False)
    assert nacks.due(0.016) == ([3, 4], False)
    assert nacks.due(0.020) == ([], False)
    nacks.add(3, 0.040)
    assert nacks.due(0.050) == ([4], False)
    assert nacks.rtt is not None and abs(nacks.rtt - 0.024) < 1e-6
    nacks.add(4, 0.060)
    assert not nacks


def test_hope_ends_in_a_keyframe() -> None:
    nacks = NackList()
    nacks.add(1, 0.0)
    nacks.add(3, 0.0)
    asked = 0
    for step in range(1, 70):
        numbers, given_up = nacks.due(step / 100)
        asked += len(numbers)
        if given_up:
            break
    assert given_up and not nacks
    assert asked == nacks.sent <= NackList.TRIES


def test_a_gap_too_wide_is_not_asked_for() -> None:
    nacks = NackList()
    nacks.add(1, 0.0)
    assert nacks.add(1 + NackList.MAX_GAP, 0.0)
    assert not nacks.add(2 + 2 * NackList.MAX_GAP, 0.0)
    assert not nacks


@given(st.sets(st.integers(65_000, 66_200), min_size=1, max_size=60))
def test_a_nack_names_exactly_what_is_missing(numbers: set[int]) -> None:
    (packet,) = RtcpPacket.parse(nack(1, 2, numbers))
    assert isinstance(packet, RtcpRtpfbPacket)
    assert {n & 0xFFFF for n in packet.lost} == {n & 0xFFFF for n in numbers}


def read_twcc(data: bytes) -> dict[int, float]:
    """Arrivals in seconds by number, as a sender reads them (draft-holmer §3.1)."""
    first, count = struct.unpack_from("!HH", data, 12)
    clock = int.from_bytes(data[16:19], "big") * 0.064
    at, symbols = 20, list[int]()
    while len(symbols) < count:
        (chunk,) = struct.unpack_from("!H", data, at)
        at += 2
        if chunk & 0x8000:
            assert chunk & 0x4000
            symbols += [chunk >> (12 - 2 * n) & 3 for n in range(7)]
        else:
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
    arrivals = {}
    for n, symbol in enumerate(symbols[:count]):
        if symbol:
            size = 1 if symbol == 1 else 2
            step = int.from_bytes(data[at : at + size], "big", signed=size == 2)
            at += size
            clock += step / 4000
            arrivals[(first + n) & 0xFFFF] = clock
    assert len(data) - at < 4
    return arrivals


@given(
    st.lists(st.tuples(st.integers(1, 30), st.floats(0, 0.5)), min_size=1, max_size=60),
    st.integers(0, 65_535),
)
def test_a_sender_reads_when_each_packet_came(
    steps: list[tuple[int, float]], first: int
) -> None:
    recorder, expected = TwccRecorder(), dict[int, float]()
    number, now = first, 100.0
    for step, wait in steps:
        number, now = number + step, now + wait
        expected[number & 0xFFFF] = now
        recorder.add(number & 0xFFFF, now)
    data = recorder.feedback(1, 2)
    assert data is not None and len(data) % 4 == 0
    assert struct.unpack_from("!H", data, 2)[0] == len(data) // 4 - 1
    told = read_twcc(data)
    assert told.keys() == expected.keys()
    assert all(abs(told[n] - expected[n]) < 0.001 for n in told)
    assert recorder.feedback(1, 2) is None


def test_fifty_arrivals_are_told_at_once() -> None:
    recorder = TwccRecorder()
    assert [recorder.add(n, n / 1000) for n in range(50)].index(True) == 49
