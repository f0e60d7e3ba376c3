"""Money is exact, or it is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce import money


@given(st.integers(0, money.LARGEST), st.integers(1, 999))
def test_a_total_is_exact_or_refused(price: int, qty: int) -> None:
    if price * qty <= money.LARGEST:
        assert money.total(price, qty) == price * qty
    else:
        with pytest.raises(OverflowError):
            money.total(price, qty)


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
