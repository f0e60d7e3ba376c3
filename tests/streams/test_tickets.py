"""Passes: for one purpose, one stream, five minutes."""

import time

import pytest
from django.core import signing

from streams import tickets


def test_a_ticket_says_whose_it_is_and_for_which_stream() -> None:
    ticket = tickets.issue("publish", 7, 3)
    assert tickets.read("publish", ticket.text) == tickets.Pass(stream=7, user=3)
    assert abs(ticket.expires_at / 1000 - time.time() - 300) < 5


def test_a_ticket_to_play_does_not_publish() -> None:
    assert tickets.read("publish", tickets.issue("play", 7, 3).text) is None


@pytest.mark.parametrize("text", ["", "x", "a:b:c", "é:b:c", "W10:1x:y", ":" * 99])
def test_what_is_no_ticket_opens_nothing(text: str) -> None:
    assert tickets.read("play", text) is None


def test_a_forged_or_foreign_ticket_opens_nothing() -> None:
    good = tickets.issue("play", 7, 3).text
    assert tickets.read("play", good[:-1] + ("a" if good[-1] != "a" else "b")) is None
    for wrong in ([7], "7", {"stream": 7}, [7, "three"]):
        text = signing.dumps(wrong, salt="streams.play")
        assert tickets.read("play", text) is None


def test_a_ticket_is_too_old_after_five_minutes() -> None:
    signer = signing.TimestampSigner(salt="streams.play")
    old = signer.sign_object([7, 3]).split(":")
    earlier = signing.b62_encode(int(time.time()) - 301)
    text = f"{old[0]}:{earlier}"
    stale = f"{text}:{signer.signature(text)}"
    assert tickets.read("play", stale) is None
    fresh = f"{old[0]}:{signing.b62_encode(int(time.time()) - 280)}"
    good = f"{fresh}:{signer.signature(fresh)}"
    assert tickets.read("play", good) is not None
