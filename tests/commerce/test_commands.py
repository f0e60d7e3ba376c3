"""Each command and reply of the room can be read: msgspec builds its types late."""

import importlib
import pkgutil
from typing import Any

import msgspec
import pytest

from commerce import commands
from commerce.commands import shipping

TYPES = [
    value
    for module in pkgutil.iter_modules(commands.__path__)
    for value in vars(
        importlib.import_module(f"commerce.commands.{module.name}")
    ).values()
    if isinstance(value, type) and issubclass(value, msgspec.Struct)
]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_it_can_be_decoded(kind: type[msgspec.Struct]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b"7", type=kind)


GOOD: dict[type[msgspec.Struct], dict[str, Any]] = {
    shipping.ShipOrder: {
        "key": "k",
        "order": "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
        "carrier": "sf",
        "number": "SF1",
        "lines": [{"line": 1, "qty": 1}],
    },
    shipping.OpenAfterSale: {
        "key": "k",
        "order": "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
        "kind": "return",
        "lines": [{"line": 1, "qty": 1}],
        "reason": "cracked",
        "media": ["/media/a.webp"],
    },
    shipping.CameBack: {"key": "k", "aftersale": 1, "restock": True},
}
WRONG: list[tuple[type[msgspec.Struct], dict[str, Any]]] = [
    (shipping.ShipOrder, {"lines": []}),
    (shipping.ShipOrder, {"lines": [{"line": 1, "qty": 0}]}),
    (shipping.ShipOrder, {"lines": [{"line": 1, "qty": 1000}]}),
    (shipping.ShipOrder, {"lines": [{"line": 1, "qty": 1.5}]}),
    (shipping.ShipOrder, {"lines": [{"line": 1, "qty": 1, "price": 1}]}),
    (shipping.ShipOrder, {"carrier": " "}),
    (shipping.ShipOrder, {"number": "a\nb"}),
    (shipping.ShipOrder, {"order": "not-one"}),
    (shipping.OpenAfterSale, {"kind": "revenge"}),
    (shipping.OpenAfterSale, {"lines": []}),
    (shipping.OpenAfterSale, {"reason": ""}),
    (shipping.OpenAfterSale, {"media": ["/a.webp"] * 10}),
    (shipping.OpenAfterSale, {"media": ["javascript:alert(1)"]}),
    (shipping.CameBack, {"restock": 1}),
    (shipping.CameBack, {"aftersale": -1}),
]


@pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.__name__)
def test_what_is_well_asked_is_read(kind: type[msgspec.Struct]) -> None:
    assert msgspec.json.decode(msgspec.json.encode(GOOD[kind]), type=kind)


@pytest.mark.parametrize(("kind", "wrong"), WRONG)
def test_what_is_badly_asked_is_refused_by_its_path(
    kind: type[msgspec.Struct], wrong: dict[str, Any]
) -> None:
    body = msgspec.json.encode({**GOOD[kind], **wrong})
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{next(iter(wrong))}"):
        msgspec.json.decode(body, type=kind)
