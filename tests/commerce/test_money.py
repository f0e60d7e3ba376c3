"""Money is exact, or it is refused."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce import money


@given(st.lists(st.tuples(st.sampled_from(["CNY", "USD"]), st.integers(0, 10**12))))
def test_a_sum_keeps_currencies_apart(amounts: list[tuple[str, int]]) -> None:
    sums = money.add(amounts)
    for currency in ("CNY", "USD"):
        expected = sum(amount for code, amount in amounts if code == currency)
        assert sums.get(currency, 0) == expected


def test_a_missing_price_is_named() -> None:
    assert money.missing({"CNY": 1}, ["CNY", "USD"]) == "USD"
    assert money.missing({"CNY": 1}, ["CNY"]) is None


@given(st.integers(-(10**12), 10**12), st.sampled_from(["CNY", "JPY", "KWD", "CHF"]))
def test_what_people_read_is_the_amount(amount: int, currency: str) -> None:
    text = money.plain(amount, currency)
    digits = int("".join(c for c in text if c.isdigit()))
    assert digits == abs(amount)
    assert text.startswith("-") == (amount < 0)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (9900, "CNY", "¥99.00"),
        (123456789, "USD", "$1,234,567.89"),
        (500, "JPY", "JP¥500"),
        (5000, "RWF", "RWF 5,000"),
        (5, "KWD", "KWD 0.005"),
        (-1, "EUR", "-€0.01"),
    ],
)
def test_amounts_are_written_by_their_currency(
    amount: int, currency: str, text: str
) -> None:
    assert money.plain(amount, currency) == text


@given(st.integers(0, money.LARGEST), st.integers(0, 100_000))
def test_a_rate_is_rounded_half_up(amount: int, rate: int) -> None:
    exact = Fraction(amount * rate, 10_000)
    assert money.half_up(amount, rate) == floor(exact + Fraction(1, 2))


@given(
    st.integers(0, money.LARGEST),
    st.lists(st.integers(0, money.LARGEST), min_size=1, max_size=20),
)
def test_an_allotment_gives_all_and_is_fair(amount: int, weights: list[int]) -> None:
    whole = sum(weights)
    if not whole:
        weights, whole = [1], 1
    shares = money.allot(amount, weights)
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert abs(Fraction(amount * weight, whole) - share) < 1
        if amount <= whole:
            assert 0 <= share <= weight


def test_an_allotment_goes_to_the_largest_remainder_then_the_first() -> None:
    assert money.allot(100, [1, 1, 1]) == [34, 33, 33]
    assert money.allot(5, [1, 2, 4]) == [1, 1, 3]
    assert money.allot(0, []) == []


@pytest.mark.parametrize(("amount", "weights"), [(1, []), (1, [0]), (-1, [1])])
def test_what_cannot_be_divided_is_refused(amount: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="cannot be divided"):
        money.allot(amount, weights)


@given(st.integers(0, money.LARGEST), st.integers(1, 999), st.data())
def test_a_part_of_some_units_is_never_above_the_whole(
    amount: int, of: int, data: st.DataObject
) -> None:
    units = data.draw(st.integers(0, of))
    share = money.part(amount, units, of)
    assert share == floor(Fraction(amount * units, of) + Fraction(1, 2))
    assert 0 <= share <= amount
    assert money.part(amount, of, of) == amount
