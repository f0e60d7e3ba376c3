"""What may be written."""

import time

import msgspec
import pytest

from chat.text import CommentText, MessageText


@pytest.mark.parametrize("text", ["a", "好", " padded ", "👍", "x" * 200, "a​b"])
def test_a_line_is_taken_as_it_is(text: str) -> None:
    assert msgspec.convert(text, CommentText) == text
    assert msgspec.convert(text, MessageText) == text


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "　", "a\x00", "\x1b[2J", "a\x7f", "a\x85", "a\r"]
)
def test_blank_and_control_characters_are_refused(text: str) -> None:
    for kind in (CommentText, MessageText):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(text, kind)


def test_only_a_message_has_lines() -> None:
    assert msgspec.convert("a\nb\tc\n", MessageText) == "a\nb\tc\n"
    for text in ("a\nb", "a\n", "a\tb"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(text, CommentText)


def test_lengths_end_at_200_and_4000() -> None:
    assert msgspec.convert("x" * 4000, MessageText)
    for text, kind in (("x" * 201, CommentText), ("x" * 4001, MessageText)):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(text, kind)


def test_a_refusal_costs_one_look() -> None:
    begun = time.perf_counter()
    for _ in range(100):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(" " * 3999 + "\x00", MessageText)
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert("x" * 3999 + "\x00", MessageText)
    assert time.perf_counter() - begun < 1
