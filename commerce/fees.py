"""What sending an order costs: a shop's table, read. Pure.

The table is `{"CN": {"fee": {"CNY": 800}, "free_over": {"CNY": 9900}}}`: countries, a
price map each, and from which sum of goods on it costs nothing.
"""

from collections.abc import Mapping
from typing import Any

Table = Mapping[str, Any]


def fee(table: Table, country: str, currency: str, goods: int) -> int | None:
    """The fee for goods of this worth; None where the shop does not send them."""
    row = table.get(country)
    if row is None or currency not in row["fee"]:
        return None
    free_over = row.get("free_over", {}).get(currency)
    return (
        0 if free_over is not None and goods >= free_over else int(row["fee"][currency])
    )
