"""Whatever stands in a field, the answer is typed: never an error of ours.

Generated from the registry for each command of the money path, on both databases: they
differ in what their text and numbers hold. What is well formed may come too often.
"""

import json
from typing import Any

import pytest

from realtime import Mutation, db
from realtime.testing import LiveClient, Refused
from tests.commerce.conftest import key
from tests.live import Connect
from tests.security.test_idor import CASES, METHODS, prepare

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

ODD: list[Any] = [
    "a\x00b",
    "\u202e\ufeff",
    "\U0001f9e7" * 200,
    "",
    "   ",
    "x" * 200,
    "x" * 20_000,
    "9" * 60 + "_01234567-89ab-7def-8123-456789abcdef",
    "\u0663\u0664",
    -1,
    2**31 - 1,
    2**53 - 1,
    2**63,
    1.5,
    None,
    ["/a\x00"],
    {"a": "b\x00"},
    {"CNY": 10**12},
    {"CN": {"fee": {"CNY": 10**12}}},
]
"""What a field is set to, one after another."""
MORE: dict[str, list[str]] = {
    "order.cancel": ["reason"],
    "order.mark_paid": ["reference"],
    "refund.create": ["reason"],
    "refund.mark_done": ["reference"],
    "aftersale.open": ["media", "kind"],
    "aftersale.decide": ["note"],
    "order.quote": ["coupon"],
    "address.save": ["region", "is_default"],
    "order.shop": ["cursor", "after", "limit", "state"],
    "order.mine": ["cursor", "limit", "state"],
    "stock.ledger": ["cursor", "limit"],
    "stock.receive": ["note"],
    "shop.update": ["currencies", "methods", "shipping", "state"],
    "product.save": ["text", "media", "category", "ships_to", "cross_border"],
}


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [here] if here else []
    if isinstance(value, dict):
        for name, inner in value.items():
            found += paths(inner, (*here, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += paths(inner, (*here, index))
    return found


async def say(client: LiveClient, method: str, body: Any) -> str:
    try:
        await client.rpc(method, body)
    except Refused as refused:
        return refused.name
    return "done"


@pytest.mark.parametrize("method", sorted(CASES))
async def test_no_value_is_an_error_of_ours(method: str, connect: Connect) -> None:
    ours, body, _, _ = await db(prepare, method)
    user = ours.buyer if CASES[method].by == "buyer" else ours.show.host
    bodies: list[Any] = []
    whole = {**body, **dict.fromkeys(MORE.get(method, []))}
    for path in paths(whole):
        for odd in ODD:
            made = json.loads(json.dumps(body))
            place = made
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = odd
            bodies.append(made)
    bodies.append({**body, "unknown": 1})
    bad = []
    client = await connect(user)
    for index, one in enumerate(bodies):
        if index % 50 == 49:
            await client.close()
            client = await connect(user)
        if issubclass(METHODS[method], Mutation):
            one = {"key": key(), **one}
        name = await say(client, method, one)
        if name in ("internal", "unavailable"):
            bad.append((name, json.dumps(one)[:300]))
    assert bad == []
