"""What strangers do to a door: each is answered, and nobody else pays for it."""

import contextlib
import json
import os
import re
import resource
import time
import zlib
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from realtime import disconnect
from tests.live import Connect, Server, Spawn
from tests.realtime.conftest import SQUARE
from tests.realtime.raw import RawSocket, frame_head

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]

DEFLATE = "permessage-deflate"
MORE_KIB = 10 * 1024
"""By which a process may grow while it is being abused."""
VIEWER, OTHER = "203.0.113.9", "203.0.113.10"


def memory_kib(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1])


@pytest.fixture
def watched(square: Server) -> Iterator[Server]:
    """A server that grows by no more than 10 MiB in the test."""
    with RawSocket(square.url) as first:  # what it loads once is not counted
        first.upgrade(Sec_WebSocket_Extensions=DEFLATE)
    before = memory_kib(square)
    yield square
    assert memory_kib(square) - before < MORE_KIB


def refused(raw: RawSocket, code: int) -> None:
    """The next it says is a close frame with this code."""
    assert list(raw.messages()) == [{"close": code}]


def push_on(raw: RawSocket, data: bytes, count: int) -> None:
    """Send it as often as the other side lets us."""
    with contextlib.suppress(OSError):
        for _ in range(count):
            raw.socket.sendall(data)


@pytest.mark.parametrize("whole", [True, False])
def test_big_frame_is_refused_before_it_is_read(watched: Server, whole: bool) -> None:
    mebibyte = bytes(1024 * 1024)
    with RawSocket(watched.url) as raw:
        raw.upgrade()
        if whole:
            raw.socket.sendall(frame_head(0x82, 96 * len(mebibyte)))
            refused(raw, 1009)
            push_on(raw, mebibyte, 96)
        else:
            fragment = bytes(48 * 1024)
            raw.send_frame(0x02, fragment)
            raw.send_frame(0x00, fragment)
            raw.send_frame(0x00, fragment)
            refused(raw, 1009)
            push_on(raw, frame_head(0x00, len(fragment)) + fragment, 2000)


def test_zip_bomb_is_not_inflated(watched: Server) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(bytes(50_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 64 * 1024
    for _ in range(5):
        with RawSocket(watched.url) as raw:
            raw.upgrade(Sec_WebSocket_Extensions=DEFLATE)
            raw.send_frame(0xC2, bomb[:-4])
            refused(raw, 1009)


async def test_slowloris_is_hung_up_on(watched: Server, visit: Connect) -> None:
    """20 heads that drip; the square waits 3 s where others wait 10."""
    with contextlib.ExitStack() as held:
        left = [held.enter_context(RawSocket(watched.url)) for _ in range(20)]
        for raw in left:
            raw.socket.sendall(b"GET / HTTP/1.1\r\n")
            raw.socket.settimeout(0.01)
        client, began = await visit(), time.monotonic()
        while left and time.monotonic() - began < 10:
            left = [raw for raw in left if drips_on(raw)]
            assert await client.command("ping", {}) == {}
        assert not left and time.monotonic() - began > 2


def drips_on(raw: RawSocket) -> bool:
    """Another header; whether it was still waited for."""
    try:
        raw.socket.sendall(b"X-Drip: 1\r\n")
        if raw.socket.recv(1) == b"":
            return False
    except TimeoutError:
        return True
    except OSError:
        return False
    raise AssertionError("it was answered")


@pytest.fixture
def behind_a_proxy(spawn_server: Spawn) -> Server:
    """A server that believes loopback; 30 sockets an address."""
    return spawn_server(
        SOUK_ROUTER=SQUARE,
        SOUK_SIGN_OUTS="",
        SOUK_PROXIES="127.0.0.1",
        SOUK_ADDRESS_SOCKETS="30",
    )


def test_flood_address_leaves_room_for_others(behind_a_proxy: Server) -> None:
    url = behind_a_proxy.url
    with contextlib.ExitStack() as held:
        heads = []
        for n in range(60):
            raw = held.enter_context(RawSocket(url))
            claimed = f"198.51.100.{n}, {VIEWER}"
            heads.append(raw.upgrade(X_Forwarded_For=claimed))
        assert ["101" in head for head in heads] == [True] * 30 + [False] * 30
        assert heads[-1].startswith("HTTP/1.1 429 ") and "Retry-After:" in heads[-1]
        for forwarded in ({"X_Forwarded_For": OTHER}, {}):
            raw = held.enter_context(RawSocket(url))
            assert raw.upgrade(**forwarded).startswith("HTTP/1.1 101")
    assert until_let_in(url, X_Forwarded_For=VIEWER)


def until_let_in(url: str, **headers: str) -> bool:
    """Those who left are no longer counted: try until the server has noticed."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with RawSocket(url) as raw:
            if raw.upgrade(**headers).startswith("HTTP/1.1 101"):
                return True
    return False


def test_flood_address_of_accounts_counts_who_is_behind_the_proxy(
    behind_a_proxy: Server,
) -> None:
    cookies = CookieJar()
    web = build_opener(HTTPCookieProcessor(cookies))
    address = f"{behind_a_proxy.url}/accounts/sign-up"
    web.open(address).close()
    (token,) = (cookie.value for cookie in cookies if cookie.name == "csrftoken")

    def sign_up(forwarded: str) -> int:
        headers = {"X-CSRFToken": str(token), "X-Forwarded-For": forwarded}
        try:
            request = Request(address, b"username=", headers)  # noqa: S310 - http
            with web.open(request) as page:
                return int(page.status)
        except HTTPError as error:
            error.close()
            return error.code

    tries = [sign_up(VIEWER) for _ in range(25)]
    assert tries[:20] == [200] * 20 and 429 in tries[20:]
    assert sign_up(OTHER) == 200


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", ""),
        ("null", ""),
        ("http://127.0.0.1.evil.example", ""),
        ("http://127.0.0.1:1", ""),
        ("http://127.0.0.1@evil.example", ""),
        ("http://evil.example:{port}", "evil.example:{port}"),  # DNS rebinding
    ],
)
def test_evil_origin_gets_403(square: Server, origin: str, host: str) -> None:
    port = urlsplit(square.url).port
    with RawSocket(square.url) as raw:
        raw.host = host.format(port=port) or raw.host
        head = raw.upgrade(Origin=origin.format(port=port))
        assert head.startswith("HTTP/1.1 403 ")


def test_fd_out_is_answered_503_and_passes(spawn_square: Server) -> None:
    """Descriptors run out; who is inside stays, who leaves makes room."""
    pid = spawn_square.process.pid
    used = len(os.listdir(f"/proc/{pid}/fd"))
    _, most = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (round((used + 20) / 0.8), most))
    with contextlib.ExitStack() as held:
        inside = []
        for _ in range(40):
            raw = held.enter_context(RawSocket(spawn_square.url))
            if not (head := raw.upgrade()).startswith("HTTP/1.1 101"):
                break
            inside.append(raw)
        assert head.startswith("HTTP/1.1 503 ") and "Retry-After:" in head
        assert 10 <= len(inside) <= 25
        for raw in inside:
            raw.send({"id": 1, "connect": {}})
            assert "client" in next(raw.messages())["connect"]
    assert until_let_in(spawn_square.url)


def test_half_open_is_closed_after_two_pings(spawn_server: Spawn) -> None:
    """The other side is silent: pinged each second here, each 25 elsewhere."""
    server = spawn_server(SOUK_ROUTER=SQUARE, SOUK_SIGN_OUTS="", SOUK_PING_SECONDS="1")
    with RawSocket(server.url) as raw:
        raw.upgrade()
        raw.send({"id": 1, "connect": {}})
        began = time.monotonic()
        *_, told, closed = raw.messages()
    assert closed == {"close": 3012}
    assert told["push"]["disconnect"]["code"] == 3012
    assert time.monotonic() - began < 4


async def test_cut_off_is_told_within_a_second_in_every_process(
    visit: Connect, spawn_square: Server
) -> None:
    here, there, other = (
        await visit(7),
        await visit(7, to=spawn_square),
        await visit(8, to=spawn_square),
    )
    began = time.monotonic()
    await disconnect(7, 4500)
    assert [(await c.wait_closed()).code for c in (here, there)] == [4500, 4500]
    assert time.monotonic() - began < 1
    assert await other.command("ping", {}) == {}


async def test_frames_of_nothing_without_end_are_put_an_end_to(
    visit: Connect, square: Server
) -> None:
    with RawSocket(square.url) as raw:
        raw.upgrade()
        raw.send({"id": 1, "connect": {}})
        raw.until("client")
        push_on(raw, frame_head(0x81, 2) + b"{}", 400)
        assert json.loads(raw.frame()[1])["push"]["disconnect"]["code"] == 3013
