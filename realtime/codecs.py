"""Two encodings of one schema: NDJSON in text frames, MessagePack maps in binary ones.

Pure. `JSON` is what a client gets that asks for no subprotocol. Events are kept as
MessagePack and become JSON once per publication and process.
"""

import json
import re
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import msgpack
import msgspec
from msgspec import Raw

from realtime.protocol import COMMANDS_A_FRAME, Envelope, Pub, Rpc
from realtime.recovery import Publication

T = TypeVar("T")

SAFE_INTEGER = 2**53
"""Beyond it a JavaScript number is no longer exact."""


class BadFrame(Exception):
    """A frame is not what its codec says; the connection cannot go on."""


class Codec(Protocol):
    """What a flavour of the wire must do. Replies and pushes are joined with `join`."""

    name: str
    """The flavour's; without deflate the WebSocket subprotocol's."""
    binary: bool
    deflate: bool
    """Whether its clients read compressed frames."""

    def split(self, frame: str | bytes) -> list[Envelope]:
        """The messages of a frame; raises `BadFrame`."""
        ...

    def body(self, raw: Raw, type_: type[T]) -> T:
        """Decode a command's body; raises `msgspec.ValidationError` with a path."""
        ...

    def encode(self, message: Any) -> bytes: ...

    def payload(self, data: bytes) -> Raw:
        """An event's MessagePack in this codec."""
        ...

    def join(self, messages: list[bytes]) -> bytes: ...


def pub(codec: Codec, publication: Publication) -> Pub:
    return Pub(codec.payload(publication.data), publication.offset)


def push(codec: Codec, channel: str, **kind: Any) -> bytes:
    """`push(JSON, "deals:42", pub=…)`: one message to a subscriber."""
    return codec.encode({"push": {"channel": channel, **kind}})


class Json:
    """Objects joined by line feeds."""

    binary = False
    _odd = re.compile(rb"\d{16}|\\u0000")

    def __init__(self, *, deflate: bool = False) -> None:
        self.name = "json deflate" if deflate else "json"
        self.deflate = deflate
        self._envelope = msgspec.json.Decoder(Envelope)
        self._encode = msgspec.json.Encoder().encode

    def split(self, frame: str | bytes) -> list[Envelope]:
        if not isinstance(frame, str):
            raise BadFrame("binary")
        lines = [line for line in frame.split("\n") if line and not line.isspace()]
        if len(lines) > COMMANDS_A_FRAME:
            raise BadFrame("too many commands")
        return [self._read(line) for line in lines]

    def _read(self, line: str) -> Envelope:
        try:
            return self._envelope.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            if (id_ := _id_of(line)) is None:
                raise BadFrame(str(error)) from None
            return Envelope(id_)

    def body(self, raw: Raw, type_: type[T]) -> T:
        data = bytes(raw) or b"{}"
        return _checked(msgspec.json.decode, data, type_, self._odd)

    def encode(self, message: Any) -> bytes:
        return self._encode(message)

    def payload(self, data: bytes) -> Raw:
        return _as_json(data)

    def join(self, messages: list[bytes]) -> bytes:
        return b"\n".join(messages)


class MessagePack:
    """Maps one after another; subprotocol `souk.msgpack.v1`."""

    binary = True
    _odd = re.compile(rb"[\x00\xcf\xd3]")

    def __init__(self, *, deflate: bool = False) -> None:
        self.name = "souk.msgpack.v1 deflate" if deflate else "souk.msgpack.v1"
        self.deflate = deflate
        self._envelope = msgspec.msgpack.Decoder(Envelope)
        self._encode = msgspec.msgpack.Encoder().encode

    def split(self, frame: str | bytes) -> list[Envelope]:
        if isinstance(frame, str):
            raise BadFrame("text")
        try:
            return [self._envelope.decode(part) for part in _maps(frame)]
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise BadFrame(str(error)) from None

    def body(self, raw: Raw, type_: type[T]) -> T:
        data = bytes(raw) or b"\x80"
        return _checked(msgspec.msgpack.decode, data, type_, self._odd)

    def encode(self, message: Any) -> bytes:
        return self._encode(message)

    def payload(self, data: bytes) -> Raw:
        return Raw(data)

    def join(self, messages: list[bytes]) -> bytes:
        return b"".join(messages)


JSON = Json()
MESSAGE_PACK = MessagePack()
DEFLATED: dict[Codec, Codec] = {
    JSON: Json(deflate=True),
    MESSAGE_PACK: MessagePack(deflate=True),
}
"""The flavour of a codec whose clients read compressed frames."""
CODECS: tuple[Codec, ...] = (JSON, MESSAGE_PACK)


@lru_cache(maxsize=512)
def _as_json(data: bytes) -> Raw:
    return Raw(msgspec.json.encode(msgspec.msgpack.decode(data)))


def _id_of(line: str) -> int | None:
    """The id of a command with half a surrogate pair: JSON, but no text of Unicode."""
    try:
        id_ = json.loads(line)["id"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return id_ if isinstance(id_, int) and "\\ud" in line.lower() else None


def _maps(frame: bytes) -> list[memoryview]:
    """Cut a frame where one MessagePack value ends and the next begins."""
    unpacker = msgpack.Unpacker(max_buffer_size=len(frame))
    unpacker.feed(frame)
    view, parts, start = memoryview(frame), [], 0
    while start < len(frame):
        try:
            unpacker.skip()
        except (msgpack.OutOfData, msgpack.FormatError, msgpack.StackError) as error:
            raise BadFrame(type(error).__name__) from None
        end = unpacker.tell()
        parts.append(view[start:end])
        start = end
        if len(parts) > COMMANDS_A_FRAME:
            raise BadFrame("too many commands")
    return parts


def _checked(decode: Any, data: bytes, type_: type[T], odd: re.Pattern[bytes]) -> T:
    """`odd` finds every body that may have what is refused; then it is looked at."""
    try:
        value: T = decode(data, type=type_)
        if type_ is not Rpc and odd.search(data):
            _refuse_unkept(decode(data), "$")
    except RecursionError:
        raise msgspec.ValidationError("nested too deeply - at `$`") from None
    except UnicodeDecodeError:  # MessagePack's strings; msgspec lets it through
        raise msgspec.ValidationError("not UTF-8 - at `$`") from None
    return value


def _refuse_unkept(value: Any, path: str) -> None:
    """Refuse numbers that clients do not count exactly, and text PostgreSQL has no
    room for: whoever names a field need not think of either.
    """
    if isinstance(value, int) and abs(value) > SAFE_INTEGER:
        raise msgspec.ValidationError(f"Number beyond 2**53 - at `{path}`")
    if isinstance(value, str) and "\0" in value:
        raise msgspec.ValidationError(f"NUL in a text - at `{path}`")
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_unkept(key, path)
            _refuse_unkept(item, f"{path}.{key}")
    if isinstance(value, list):
        for item in value:
            _refuse_unkept(item, f"{path}[...]")
