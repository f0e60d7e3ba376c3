"""Each command and reply of the room can be read: msgspec builds its types late."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from commerce import commands
from commerce.commands import shipping
from realtime import Command

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


CHOSEN = {"$.method", "$.methods[]", "$.cursor"}
"""Looked up in a list or taken apart, and never stored."""


def texts(kind: inspect.Type, path: str = "$") -> Iterator[tuple[str, inspect.StrType]]:
    """Every text in a command, with its path."""
    if isinstance(kind, inspect.Metadata):
        yield from texts(kind.type, path)
    elif isinstance(kind, inspect.StructType):
        for field in kind.fields:
            yield from texts(field.type, f"{path}.{field.encode_name}")
    elif isinstance(kind, inspect.ListType):
        yield from texts(kind.item_type, f"{path}[]")
    elif isinstance(kind, inspect.DictType):
        yield from texts(kind.key_type, f"{path}{{}}")
        yield from texts(kind.value_type, f"{path}{{}}")
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from texts(one, path)
    elif isinstance(kind, inspect.StrType):
        yield path, kind


@pytest.mark.parametrize(
    "kind",
    [kind for kind in TYPES if issubclass(kind, Command)],
    ids=lambda kind: kind.__name__,
)
def test_no_text_has_what_postgresql_cannot_keep(kind: type[Command]) -> None:
    for path, text in texts(inspect.type_info(kind)):
        if path not in CHOSEN:
            assert text.pattern is not None, path
            assert not re.search(text.pattern, "a\x00b"), path


@pytest.mark.parametrize("blank", [" ", "\u3000", "\u00a0\u2003"])
def test_a_line_of_blanks_says_nothing(blank: str) -> None:
    body = msgspec.json.encode({**GOOD[shipping.ShipOrder], "carrier": blank})
    with pytest.raises(msgspec.ValidationError, match=r"\$\.carrier"):
        msgspec.json.decode(body, type=shipping.ShipOrder)
