"""Who may open one more socket, and whom a proxy speaks for."""

from ipaddress import ip_network

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from realtime.doors import Doors, Limit, neighbourhood, real_address
from realtime.edges.http import BODY_SECONDS, LiveChannel
from realtime.router import Rate

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8::/64")]
VIEWER, OTHER = "203.0.113.9", "203.0.113.10"


@pytest.mark.parametrize(
    ("peer", "forwarded", "real"),
    [
        (VIEWER, "", VIEWER),
        (VIEWER, "198.51.100.1", VIEWER),  # anybody may send the header
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", VIEWER, VIEWER),
        ("10.0.0.1", f"198.51.100.1, {VIEWER}", VIEWER),
        ("10.0.0.1", f"198.51.100.1,{VIEWER}, 10.0.0.2", VIEWER),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", f"{VIEWER}, nonsense", "10.0.0.1"),
        ("2001:db8::1", "[2001:db8:1::7]", "2001:db8:1::7"),
        ("::ffff:10.0.0.1", f"::ffff:{VIEWER}", VIEWER),
        ("/run/souk.sock", VIEWER, "/run/souk.sock"),
    ],
)
def test_the_header_is_read_from_the_right_while_a_proxy_of_ours_wrote_it(
    peer: str, forwarded: str, real: str
) -> None:
    assert real_address(peer, forwarded, PROXIES) == real


def test_an_ipv6_network_of_64_bits_is_one_visitor() -> None:
    assert neighbourhood("2001:db8:1:2:3::4") == neighbourhood("2001:db8:1:2:ff::")
    assert neighbourhood("2001:db8:1:3::") != neighbourhood("2001:db8:1:2::")
    assert neighbourhood(VIEWER) != neighbourhood(OTHER)


def test_501_sockets_of_one_address_are_one_too_many() -> None:
    doors = Doors(Limit(address_rate=Rate(1000, burst=1000)))
    assert [doors.enter(VIEWER, 0.0) for _ in range(500)] == [None] * 500
    assert doors.enter(VIEWER, 0.0) == 429
    assert doors.enter(OTHER, 0.0) is None
    doors.leave(VIEWER)
    assert doors.enter(VIEWER, 0.0) is None


def test_an_address_may_come_100_times_at_once_and_20_times_a_second() -> None:
    doors = Doors(Limit())
    came = [doors.enter(VIEWER, 5.0) for _ in range(110)]
    assert came == [None] * 100 + [429] * 10
    assert [doors.enter(VIEWER, 6.0) for _ in range(21)] == [None] * 20 + [429]


def test_loopback_is_free_but_not_of_what_the_process_can_hold() -> None:
    doors = Doors(Limit(sockets=1000))
    assert {doors.enter("127.0.0.1", 0.0) for _ in range(1000)} == {None}
    assert doors.enter("::1", 0.0) == 503
    assert doors.enter(VIEWER, 0.0) == 503
    doors.leave("127.0.0.1")
    assert doors.enter(VIEWER, 0.0, full=True) == 503
    assert doors.enter(VIEWER, 0.0) is None


def test_who_left_long_ago_is_forgotten_and_who_stays_is_not() -> None:
    doors = Doors(Limit(sockets=100_000, address_sockets=1))
    assert doors.enter(VIEWER, 0.0) is None
    for n in range(30_000):
        address = f"198.18.{n // 250}.{n % 250}"
        assert doors.enter(address, float(n)) is None
        doors.leave(address)
    assert len(doors._visitors) <= 20_001
    assert doors.enter(VIEWER, 30_000.0) == 429


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def channel(clock: Clock) -> LiveChannel:
    made = LiveChannel()
    made.timeOut, made.callLater = 10, clock.callLater
    made.makeConnection(StringTransport())
    return made


def drip(channel: LiveChannel, clock: Clock, data: bytes, seconds: int) -> int:
    """Send it each second; after how many we were hung up on."""
    for second in range(seconds):
        if channel.transport.disconnecting:
            return second
        channel.dataReceived(data)
        clock.advance(1)
    return seconds


def test_a_head_that_drips_is_not_waited_for(
    channel: LiveChannel, clock: Clock
) -> None:
    channel.dataReceived(b"GET / HTTP/1.1\r\n")
    assert drip(channel, clock, b"X-Drip: 1\r\n", 60) == 10


def test_a_body_has_its_own_time_and_no_more(
    channel: LiveChannel, clock: Clock
) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n"
    channel.dataReceived(head)
    assert drip(channel, clock, b"x", 100) == BODY_SECONDS + 2
