"""The socket as AsyncAPI 3: commands and replies, events by channel, errors.

Written from the registry and the Structs, so it says what the code does.
`souk asyncapi` prints it; docs/asyncapi.json is what it printed last.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from realtime import protocol
from realtime.channels import PERSONAL
from realtime.events import Latest
from realtime.exceptions import REGISTRY
from realtime.router import Command, CommandRouter, Handler

Schema = dict[str, Any]

ID = {"type": "integer", "minimum": 1, "maximum": 2**32 - 1}
SOCKET = "socket"


def document(router: CommandRouter, version: str) -> dict[str, Any]:
    """Everything, ready for JSON."""
    handlers = list(router.methods())
    refer, schemas = _schemas(router, handlers)
    asked, operations = _commands(handlers, refer)
    channels: dict[str, Any] = {SOCKET: _socket(asked)}
    for name, events in sorted(router.events.items()):
        lane = PERSONAL.lane if name == "#" else router.namespaces[name].lane
        told = {_tag(event): _push(event, refer) for event in events}
        key = "user" if name == "#" else name
        channels[key] = {
            **_address(name),
            "title": f"{lane.value} lane",
            "messages": dict(sorted(told.items())),
        }
        operations[f"tell {key}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{key}"},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Souk's socket",
            "version": version,
            "description": "The Centrifuge client protocol v2; docs/protocol.md.",
        },
        "servers": {"site": {"host": "127.0.0.1:8000", "protocol": "ws"}},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"schemas": schemas},
    }


def _schemas(
    router: CommandRouter, handlers: Iterable[Handler]
) -> tuple[Callable[[Any], Schema], dict[str, Schema]]:
    """How a type is referred to, and what all of them are."""
    types: list[Any] = [part for pair in protocol.ORDERED.values() for part in pair]
    for handler in handlers:
        types += [handler.command, handler.reply]
    types += [event for events in router.events.values() for event in events]
    schemas, parts = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    references = list(zip(types, schemas, strict=True))
    for type_, schema in references:
        if isinstance(type_, type) and issubclass(type_, Command):
            _untag(parts[schema["$ref"].rpartition("/")[2]])

    def refer(wanted: Any) -> Schema:
        return next(schema for type_, schema in references if type_ == wanted)

    return refer, dict(sorted(parts.items()))


def _untag(schema: Schema) -> None:
    """A command's tag is its method, which stands beside it, not in it."""
    del schema["properties"]["type"]
    schema["required"].remove("type")
    if not schema["required"]:
        del schema["required"]


def _commands(
    handlers: Iterable[Handler], refer: Callable[[Any], Schema]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Messages and operations."""
    messages: dict[str, Any] = {"error": _error(), "disconnect": _disconnect()}
    operations: dict[str, Any] = {}

    def add(name: str, asks: Schema, gets: Schema, more: Mapping[str, Any]) -> None:
        messages[name] = {"payload": asks}
        messages[f"{name} reply"] = {"payload": gets}
        replies = [_message(f"{name} reply"), _message("error")]
        operations[name] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{SOCKET}"},
            "messages": [_message(name)],
            "reply": {
                "channel": {"$ref": f"#/channels/{SOCKET}"},
                "messages": replies,
            },
            **more,
        }

    for name, (asks, gets) in protocol.ORDERED.items():
        add(name, _envelope(name, refer(asks)), _envelope(name, refer(gets)), {})
    for handler in handlers:
        call = _object(
            {"method": {"const": handler.method}, "data": refer(handler.command)}
        )
        answer = _object({"data": refer(handler.reply)})
        who = "anybody" if handler.anonymous else "signed in"
        more: dict[str, Any] = {"summary": who}
        if handler.rate is not None:
            more["x-rate"] = msgspec.to_builtins(handler.rate)
        add(handler.method, _envelope("rpc", call), _envelope("rpc", answer), more)
    return messages, operations


def _address(name: str) -> dict[str, Any]:
    """AsyncAPI takes `#` for the beginning of a fragment, which no address may have."""
    if name == "#":
        return {"address": None, "description": "#<user>, joined by connect"}
    parameters = {"id": {"description": "of what it tells"}}
    return {"address": f"{name}:{{id}}", "parameters": parameters}


def _socket(messages: dict[str, Any]) -> dict[str, Any]:
    return {"address": protocol.PATH, "messages": messages}


def _message(name: str) -> Schema:
    return {"$ref": f"#/channels/{SOCKET}/messages/{_escaped(name)}"}


def _escaped(name: str) -> str:
    """As part of a JSON pointer in a fragment."""
    return name.replace(" ", "%20")


def _object(properties: dict[str, Any], *optional: str) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _envelope(name: str, body: Schema) -> Schema:
    return _object({"id": ID, name: body})


def _tag(event: type[Struct]) -> str:
    tag = event.__struct_config__.tag
    return tag if isinstance(tag, str) else event.__name__


def _push(event: type[Struct], refer: Callable[[Any], Schema]) -> dict[str, Any]:
    """An event with its offset, or values by key."""
    data = refer(event)
    if issubclass(event, Latest):
        data = {"type": "object", "additionalProperties": data}
    pub = _object({"data": data, "offset": {"type": "integer"}}, "offset")
    inside = _object({"channel": {"type": "string"}, "pub": pub})
    return {"payload": _object({"push": inside})}


def _error() -> dict[str, Any]:
    codes = [
        {"const": code, "title": known.name, "x-temporary": known.temporary}
        for code, known in sorted(REGISTRY.items())
    ]
    body = {
        "code": {"oneOf": codes},
        "message": {"type": "string", "description": "a name, or a name and JSON"},
        "temporary": {"type": "boolean"},
    }
    return {"payload": _envelope("error", _object(body, "temporary"))}


def _disconnect() -> dict[str, Any]:
    codes = [
        {"const": code, "title": close.reason}
        for code, close in sorted(protocol.CLOSES.items())
    ]
    body = {
        "code": {"oneOf": codes},
        "reason": {"type": "string"},
        "reconnect": {"type": "boolean"},
    }
    told = _object({"disconnect": _object(body)})
    return {"payload": _object({"push": told})}
