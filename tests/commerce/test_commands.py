"""Each command and reply of the room can be read: msgspec builds its types late."""

import importlib
import pkgutil

import msgspec
import pytest

from commerce import commands

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
