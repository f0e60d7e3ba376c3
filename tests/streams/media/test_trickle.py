"""Fragments in PATCH."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.media.answers import Local
from streams.media.contract import BadSdp
from streams.media.sdp import parse_offer
from streams.media.trickle import parse_fragment, restart_fragment
from tests.streams.media.offers import PUBLISH, load

TRICKLE = (
    "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
    "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0"
    " ufrag EsAw network-id 1\r\n"
    "a=candidate:2 1 tcp 1 2001:db8::1 9 typ host tcptype active\r\n"
    "a=end-of-candidates\r\n"
)


def test_a_fragment_names_its_ice_session() -> None:
    assert parse_fragment(TRICKLE) == ("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")
    assert parse_fragment("a=end-of-candidates\r\n") == (None, None)


@pytest.mark.parametrize(
    "text, line",
    [
        ("hello", 1),
        ("a=mid:0\r\na=candidate:nonsense", 2),
        ("a=ice-ufrag:x", 1),
        ("a=ice-pwd:short", 1),
        ("a=ice-ufrag:aaaa\r\na=ice-ufrag:bbbb", 2),
        ("a=mid:\x00", 1),
        ("a=x\r\n" * 2_000, 0),
        ("a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 65, 65),
    ],
)
def test_a_malformed_fragment_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(BadSdp) as refused:
        parse_fragment(text)
    assert refused.value.data["line"] == line


def test_a_restart_is_answered_with_our_new_half() -> None:
    offer = parse_offer(load("chromium_publisher"), PUBLISH)
    local = Local("neww", "p" * 24, "AB", (("192.0.2.7", 8443),))
    text = restart_fragment(offer, local)
    for line in ("a=ice-lite", "a=mid:0", "a=ice-ufrag:neww", "a=end-of-candidates"):
        assert f"{line}\r\n" in text


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(BadSdp):
        parse_fragment(text)
