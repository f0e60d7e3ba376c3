"""Comments' ids and the age of keys."""

from hypothesis import given
from hypothesis import strategies as st

from chat.identity import FRESH_MS, comment_id, is_fresh


def uuid7(at_ms: int) -> str:
    digits = f"{at_ms:012x}7abc8def0123456789ab"
    return "-".join(
        (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    )


def test_an_id_is_sixteen_characters_of_author_and_key() -> None:
    assert len(comment_id(7, "k")) == 16
    assert comment_id(7, "k") == comment_id(7, "k")
    assert comment_id(7, "k") != comment_id(8, "k")
    assert comment_id(1, "2:k") != comment_id(12, "k")


@given(
    now=st.integers(FRESH_MS * 2, 2**47),
    age=st.integers(-FRESH_MS * 2, FRESH_MS * 2),
)
def test_a_key_is_fresh_for_five_minutes(now: int, age: int) -> None:
    assert is_fresh(uuid7(now - age), now) == (abs(age) <= FRESH_MS)


@given(st.text(max_size=64))
def test_no_other_key_is_fresh(key: str) -> None:
    assert not is_fresh(key, 1_763_800_000_000)
    assert not is_fresh("018f6b00-0000-4000-8000-000000000000", 0x018F6B000000)
