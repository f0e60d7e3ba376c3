"""The socket's types in TypeScript: commands, replies, events, and who answers what.

Written from the registry and the Structs; `souk client_types` prints it and
web/client/wire.ts is what it printed last. A field is optional where it may be left
out: by a client if it has a default, by the server only if it leaves defaults out.
"""

import json
from collections.abc import Iterable
from typing import Any

from msgspec import Struct, inspect

from realtime.events import Latest
from realtime.router import Command, CommandRouter, Nested

HEAD = """\
// What the socket speaks. Printed by `souk client_types` from the server's own types:
// change those, not this.
"""
PLAIN: dict[type[inspect.Type], str] = {
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.StrType: "string",
    inspect.BoolType: "boolean",
    inspect.NoneType: "null",
    inspect.DateTimeType: "string",
    inspect.UUIDType: "string",
    inspect.BytesType: "string",
    inspect.AnyType: "unknown",
    inspect.RawType: "unknown",
}


def written(router: CommandRouter) -> str:
    """The whole file."""
    book = Book()
    calls = [
        f"  {_quoted(h.method)}: [{book.of(h.command)}, {book.of(h.reply)}];"
        for h in router.methods()
    ]
    told = [
        f"  {_quoted(name)}: {' | '.join(_told(event, book) for event in events)};"
        for name, events in sorted(router.events.items())
    ]
    return "\n".join(
        (
            HEAD + "\n".join(text for _, text in sorted(book.interfaces.items())),
            "// Method → [what is asked, what is answered].",
            *_interface("Calls", calls),
            "// Family of channels → what is told there; `#` is the user's own.",
            *_interface("Told", told),
        )
    )


def _told(event: type[Struct], book: "Book") -> str:
    """An event, or values by key."""
    name = book.of(event)
    return f"Record<string, {name}>" if issubclass(event, Latest) else name


def _interface(name: str, lines: Iterable[str]) -> list[str]:
    return [f"export interface {name} {{", *lines, "}", ""]


def _quoted(text: object) -> str:
    return json.dumps(text, ensure_ascii=False)


class Book:
    """Interfaces by name, collected while types are asked for."""

    def __init__(self) -> None:
        self.interfaces: dict[str, str] = {}
        self._names: dict[type, str] = {}

    def of(self, type_: Any) -> str:
        return self._of(inspect.type_info(type_))

    def _of(self, info: inspect.Type) -> str:
        match info:
            case inspect.Metadata():
                return self._of(info.type)
            case inspect.StructType():
                return self._struct(info)
            case inspect.UnionType():
                return " | ".join(dict.fromkeys(self._of(t) for t in info.types))
            case inspect.LiteralType():
                return " | ".join(map(_quoted, info.values))
            case inspect.EnumType():
                return " | ".join(_quoted(member.value) for member in info.cls)
            case inspect.ListType() | inspect.VarTupleType():
                return f"Array<{self._of(info.item_type)}>"
            case inspect.TupleType():
                return f"[{', '.join(map(self._of, info.item_types))}]"
            case inspect.DictType():
                return f"Record<string, {self._of(info.value_type)}>"
        return PLAIN[type(info)]

    def _struct(self, info: inspect.StructType) -> str:
        if (name := self._names.get(info.cls)) is not None:
            return name
        name = info.cls.__name__
        while name in self._names.values():
            name = f"{info.cls.__module__.partition('.')[0].title()}{name}"
        self._names[info.cls] = name
        asked = issubclass(info.cls, Command | Nested)
        lines = []
        if info.tag is not None and not issubclass(info.cls, Command):
            lines.append(f"  {info.tag_field}: {_quoted(info.tag)};")
        for field in info.fields:
            omitted = asked or info.cls.__struct_config__.omit_defaults
            mark = "?" if not field.required and omitted else ""
            lines.append(f"  {field.encode_name}{mark}: {self._of(field.type)};")
        self.interfaces[name] = "\n".join(_interface(name, lines))
        return name
