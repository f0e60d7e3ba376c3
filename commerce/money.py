"""Money: an int of minor units and an ISO 4217 code. Pure.

No float and no Decimal comes near a price; nothing converts one currency to another. A
price map is `{"CNY": 9900, "USD": 1399}`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

LARGEST = 10**12
"""No amount in Souk is above this many minor units."""

# ISO 4217: how many digits of the amount are minor; two where nothing is said.
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_MINOR = {
    **dict.fromkeys(_NONE.split(), 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "KRW": "₩"}


def add(amounts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Sum amounts, each currency for itself: a price map."""
    sums: Counter[str] = Counter()
    for currency, amount in amounts:
        sums[currency] += amount
    return dict(sorted(sums.items()))


def half_up(amount: int, rate_bp: int) -> int:
    """`rate_bp` basis points of an amount, half a unit upwards."""
    return (amount * rate_bp + 5000) // 10000


def allot(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide `amount` by `weights`, to the last unit: by the largest remainder.

    Equal remainders: the first. No share is above its weight while `amount` is not
    above all of them. Raises ValueError when there is nothing to divide it by.
    """
    whole = sum(weights)
    if amount == 0:
        return [0] * len(weights)
    if whole <= 0 or amount < 0 or min(weights) < 0:
        raise ValueError(f"{amount} cannot be divided by {list(weights)}")
    shares = [amount * weight // whole for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda i: -(amount * weights[i] % whole)
    )
    for i in by_remainder[: amount - sum(shares)]:
        shares[i] += 1
    return shares


def part(amount: int, units: int, of: int) -> int:
    """What `units` of `of` are worth of an amount, half a unit upwards."""
    return (2 * amount * units + of) // (2 * of)


def missing(prices: Mapping[str, int], currencies: Iterable[str]) -> str | None:
    """The first currency that has no price, or None."""
    return next((code for code in currencies if code not in prices), None)


def plain(amount: int, currency: str) -> str:
    """For people, in one way for all languages: `¥99.00`, `JP¥500`, `CHF 12.50`."""
    digits = _MINOR.get(currency, 2)
    whole, part = divmod(abs(amount), 10**digits)
    text = f"{whole:,}.{part:0{digits}d}" if digits else f"{whole:,}"
    sign = _SIGNS.get(currency, f"{currency} ")
    return f"{'-' if amount < 0 else ''}{sign}{text}"
