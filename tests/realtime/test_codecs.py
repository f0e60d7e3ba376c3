"""Both codecs, read and written by other libraries than ours."""

import contextlib
import json
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from realtime.codecs import CODECS, JSON, MESSAGE_PACK, BadFrame, Codec, pub, push
from realtime.frames import frame, header
from realtime.protocol import Connected, Empty, Error, Subscribe, Subscribed
from realtime.recovery import Publication

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


def read(codec: Codec, data: bytes) -> list[Any]:
    if codec is JSON:
        return [json.loads(line) for line in data.decode().split("\n")]
    unpacker = msgpack.Unpacker()
    unpacker.feed(data)
    return list(unpacker)


def written(codec: Codec, *messages: Any) -> str | bytes:
    if codec is JSON:
        return "\n".join(map(json.dumps, messages))
    return b"".join(map(msgpack.packb, messages))


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.dictionaries(st.text(), values, max_size=5))
def test_a_push_says_the_same_in_every_codec(
    codec: Codec, data: dict[str, Any]
) -> None:
    publication = Publication(7, "e", msgspec.msgpack.encode(data))
    message = push(codec, "deals:1", pub=pub(codec, publication))
    assert (
        read(codec, codec.join([message, message]))
        == [{"push": {"channel": "deals:1", "pub": {"data": data, "offset": 7}}}] * 2
    )


@pytest.mark.parametrize("codec", CODECS)
@given(bodies=st.lists(values, min_size=1, max_size=5))
def test_a_frame_is_cut_into_its_commands(codec: Codec, bodies: list[Any]) -> None:
    sent = [
        {"id": n, "rpc": {"method": "a.b", "data": body}}
        for n, body in enumerate(bodies, 1)
    ]
    got = codec.split(written(codec, *sent))
    assert [e.id for e in got] == list(range(1, len(bodies) + 1))
    assert all([name for name, _ in e.commands()] == ["rpc"] for e in got)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_messagepack_reader(data: bytes) -> None:
    with contextlib.suppress(BadFrame):
        MESSAGE_PACK.split(data)


@given(st.text(max_size=200))
def test_no_text_breaks_the_json_reader(text: str) -> None:
    with contextlib.suppress(BadFrame):
        JSON.split(text)


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_false_zero_or_empty_is_left_out_but_not_what_sdks_index(
    codec: Codec,
) -> None:
    def shown(message: Any) -> Any:
        (one,) = read(codec, codec.encode(message))
        return one

    assert shown(Subscribed()) == {}
    assert shown(Connected("c", "v")) == {"client": "c", "version": "v"}
    assert shown(Error(100, "")) == {"code": 100, "message": ""}
    assert shown(Empty()) == {}


@pytest.mark.parametrize("codec", CODECS)
def test_more_than_64_commands_in_a_frame_are_too_many(codec: Codec) -> None:
    commands = [{"id": n, "ping": {}} for n in range(1, 66)]
    assert len(codec.split(written(codec, *commands[:64]))) == 64
    with pytest.raises(BadFrame):
        codec.split(written(codec, *commands))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_a_frame_says_its_length_in_the_fewest_bytes(size: int) -> None:
    head = header(0x81, size)
    assert head[0] == 0x81
    if size < 126:
        assert head[1:] == bytes([size])
    elif size < 65536:
        assert (head[1], int.from_bytes(head[2:])) == (126, size)
    else:
        assert (head[1], int.from_bytes(head[2:])) == (127, size)


def test_json_goes_as_text_and_messagepack_as_binary() -> None:
    assert frame(JSON, [b"{}"]).wire[0] == 0x81
    assert frame(MESSAGE_PACK, [b"\x80"]).wire[0] == 0x82


def test_a_string_of_messagepack_that_is_no_utf_8_is_a_bad_body() -> None:
    with pytest.raises(msgspec.ValidationError, match="not UTF-8"):
        MESSAGE_PACK.body(Raw(b"\x81\xa7channel\xa1\xff"), Subscribe)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "body", [{"a": "x\0"}, {"a": ["\0"]}, {"a": {"\0": 1}}, {"a": [{"b": "\0"}]}]
)
def test_no_text_has_a_nul_which_databases_refuse(
    codec: Codec, body: dict[str, Any]
) -> None:
    raw = written(codec, body)
    data = msgspec.Raw(raw.encode() if isinstance(raw, str) else raw)
    with pytest.raises(msgspec.ValidationError, match=r"NUL in a text - at `\$"):
        codec.body(data, dict)


@pytest.mark.parametrize("codec", CODECS)
def test_zeros_and_backslashes_are_no_nul(codec: Codec) -> None:
    body = {"a": 0, "b": "\\u0000", "c": [0, False]}
    raw = written(codec, body)
    data = msgspec.Raw(raw.encode() if isinstance(raw, str) else raw)
    assert codec.body(data, dict) == body
