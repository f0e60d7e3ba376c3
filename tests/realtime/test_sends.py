"""Many sockets at once, in C and in Python: what was not taken is told, by index."""

import socket
import threading
from array import array
from collections.abc import Callable, Iterator

import pytest

from realtime import sends
from realtime.sends import SendMany

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=["python", "c"])
def send_many(request: pytest.FixtureRequest) -> SendMany:
    if request.param == "python":
        return sends.one_by_one
    if sends.built is None:
        pytest.skip("not built")
    return sends.built


@pytest.fixture
def pair() -> Iterator[Callable[[], Pair]]:
    made: list[socket.socket] = []

    def make() -> Pair:
        two = socket.socketpair()
        two[0].setblocking(False)
        made.extend(two)
        return two

    yield make
    for each in made:
        each.close()


def test_everybody_of_the_slice_gets_it_and_nobody_else(
    send_many: SendMany, pair: Callable[[], Pair]
) -> None:
    pairs = [pair() for _ in range(5)]
    fds = array("i", [ours.fileno() for ours, _ in pairs])
    fds[2] = -1
    assert send_many(fds, b"hello", 1, 4) == []
    for ours, _ in pairs:
        ours.close()
    assert [theirs.recv(9) for _, theirs in pairs] == [
        b"",
        b"hello",
        b"",
        b"hello",
        b"",
    ]


def test_what_the_kernel_does_not_take_is_told(
    send_many: SendMany, pair: Callable[[], Pair]
) -> None:
    ours, theirs = pair()
    fds, data = array("i", [ours.fileno()]), b"x" * 1_000_000
    ((index, sent),) = send_many(fds, data, 0, 1)
    assert index == 0 and 0 < sent < len(data)
    assert send_many(fds, data, 0, 1) == [(0, 0)]
    took = 0
    while took < sent:
        took += len(theirs.recv(65536))


def test_a_socket_that_is_broken_is_told_and_the_rest_is_served(
    send_many: SendMany, pair: Callable[[], Pair]
) -> None:
    (broken, gone), (ours, theirs) = pair(), pair()
    gone.close()
    fds = array("i", [broken.fileno(), ours.fileno()])
    assert send_many(fds, b"hello", 0, 2) == [(0, -1)]
    assert theirs.recv(9) == b"hello"


def test_an_empty_slice_is_nothing(send_many: SendMany) -> None:
    assert send_many(array("i"), b"hello", 0, 0) == []


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (0, 3), (2, 1)])
def test_a_slice_outside_the_array_is_refused_in_c(start: int, stop: int) -> None:
    if sends.built is None:
        pytest.skip("not built")
    with pytest.raises(ValueError, match="array of int"):
        sends.built(array("i", [-1, -1]), b"", start, stop)
    with pytest.raises(ValueError, match="array of int"):
        sends.built(array("b", [-1] * 8), b"", 0, 1)


def test_threads_run_while_it_sends(
    send_many: SendMany, pair: Callable[[], Pair]
) -> None:
    """Another thread reads what is sent, again and again."""
    ours, theirs = pair()
    total, size = 20_000, 1000
    read = threading.Thread(target=_read, args=(theirs, total * size), daemon=True)
    read.start()
    fds, left = array("i", [ours.fileno()] * 100), total * size
    while left:
        shorts = dict(send_many(fds, b"x" * min(size, left), 0, 1))
        left -= shorts.get(0, min(size, left))
    read.join(20)
    assert not read.is_alive()


def _read(theirs: socket.socket, size: int) -> None:
    while size:
        size -= len(theirs.recv(65536))
