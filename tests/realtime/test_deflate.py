"""Compression: what is agreed to, what is compressed, and who reads it."""

import json
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime import Event, publish
from realtime.channel import Batch
from realtime.codecs import DEFLATED, JSON, MESSAGE_PACK, Codec
from realtime.deflate import WORTH_BYTES, Offers, agree, deflated
from realtime.frames import COMPRESSED, frame
from realtime.lanes import Lane
from realtime.recovery import Publication
from tests.live import Connect, Server
from tests.realtime.raw import RawSocket

AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def offer(*parameters: str, name: str = "permessage-deflate") -> Offers:
    held: dict[str, list[str | bool]] = {}
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        held.setdefault(key, []).append(value or True)
    return [(name, held)]


@pytest.mark.parametrize(
    ("offers", "answer"),
    [
        (offer(), AGREED),
        (offer("client_max_window_bits"), AGREED),
        (offer("client_max_window_bits=8"), AGREED),
        (offer("server_no_context_takeover", "client_no_context_takeover"), AGREED),
        (offer("server_max_window_bits=15"), f"{AGREED}; server_max_window_bits=15"),
        ([*offer("server_max_window_bits=10"), *offer()], AGREED),
        ([], None),
        (offer(name="x-webkit-deflate-frame"), None),
        *((offer(f"server_max_window_bits={n}"), None) for n in range(8, 15)),
        (offer("server_max_window_bits"), None),
        (offer("client_max_window_bits=16"), None),
        (offer("client_no_context_takeover=1"), None),
        (offer("client_max_window_bits", "client_max_window_bits=9"), None),
        (offer("novel"), None),
    ],
)
def test_an_offer_is_taken_only_where_one_frame_serves_all(
    offers: Offers, answer: str | None
) -> None:
    assert agree(offers) == answer


@given(st.binary(max_size=70_000))
def test_a_message_is_inflated_to_what_it_was(data: bytes) -> None:
    read = zlib.decompressobj(-15)
    assert read.decompress(deflated(data) + b"\x00\x00\xff\xff") == data


LONG = [b'{"text":"%s"}' % (b"the blue one, please " * 60)]


@pytest.mark.parametrize("codec", DEFLATED)
def test_only_what_many_read_is_compressed_and_only_if_it_is_long(
    codec: Codec,
) -> None:
    def compressed(messages: list[bytes], channel: str = "", **more: bool) -> bool:
        made = frame(DEFLATED[codec], messages, Lane.RELIABLE, channel, **more)
        return bool(made.wire[0] & COMPRESSED)

    assert compressed(LONG, "comments:1", shared=True)
    assert not compressed(LONG)  # a reply
    assert not compressed(LONG, "comments:1")  # what one viewer missed
    assert not compressed(LONG, "#7", shared=True)
    assert not compressed([b"x" * (WORTH_BYTES - 1)], "comments:1", shared=True)
    plain = frame(codec, LONG, Lane.RELIABLE, "comments:1", shared=True)
    assert not plain.wire[0] & COMPRESSED


def test_viewers_of_a_flavour_share_one_frame() -> None:
    told = Publication(1, "e", b"\xd9\xc8" + b"x" * 200)
    batch = Batch("comments:1", Lane.SAMPLED, "e", [told] * 10, {})
    made = batch.frame(DEFLATED[JSON])
    assert batch.frame(DEFLATED[JSON]) is made and made.wire[0] & COMPRESSED
    assert len(made.wire) < 0.2 * len(batch.frame(JSON).wire)


class Long(Event, frozen=True, tag="long"):
    text: str


TEXT = "where is the blue one, please? " * 40


@pytest.fixture
def raw(square: Server) -> Iterator[RawSocket]:
    """Connected by hand, reading compressed frames."""
    with RawSocket(square.url) as made:
        head = made.upgrade(Sec_WebSocket_Extensions="permessage-deflate")
        assert f"Sec-WebSocket-Extensions: {AGREED}\r\n" in head + "\r\n"
        made.send({"id": 1, "connect": {}})
        made.until("client")
        yield made


@pytest.mark.django_db(transaction=True)
async def test_a_rooms_long_frame_is_compressed_and_a_reply_is_not(
    raw: RawSocket, visit: Connect
) -> None:
    raw.send({"id": 2, "subscribe": {"channel": "deals:deflate"}})
    raw.until('"id": 2')
    await publish("deals:deflate", Long(text=TEXT))
    first, payload = raw.frame()
    assert first == 0xC1 and len(payload) < 300
    told = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
    assert json.loads(told)["push"]["pub"]["data"] == {"type": "long", "text": TEXT}
    raw.send({"id": 3, "history": {"channel": "deals:deflate", "limit": 1}})
    first, payload = raw.frame()
    assert first == 0x81 and len(payload) > len(TEXT)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("compression", ["deflate", None])
async def test_everybody_reads_the_same_with_compression_and_without(
    visit: Connect, codec: str, compression: str | None
) -> None:
    client = await visit(7, codec, compression=compression)
    assert bool(client.socket.protocol.extensions) is (compression is not None)
    await client.subscribe("comments:deflate")
    for channel in ("comments:deflate", "#7"):
        await publish(channel, Long(text=TEXT))
        assert (await client.push(channel))["text"] == TEXT
    said = "x" * 10
    assert (await client.rpc("echo.say", {"key": codec, "text": said}))["text"] == said


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (packer.compress(b" " * size) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("first", "payload", "code"),
    [
        (0xC1, bomb(64 * 1024 + 1), 1009),
        (0xC1, bomb(64 * 1024 + 200), 1009),
        (0xC2, bomb(50_000_000), 1009),
        (0xC1, deflated(b"\xff\xfe"), 1007),
        (0xC1, b"\xff\xff\xff", 1007),
        (0xC9, b"", 1002),  # a compressed ping
        (0xA1, b"", 1002),  # RSV2
    ],
)
def test_what_cannot_be_inflated_into_a_message_ends_it(
    raw: RawSocket, first: int, payload: bytes, code: int
) -> None:
    raw.send_frame(first, payload)
    assert list(raw.messages()) == [{"close": code}]


@pytest.mark.django_db(transaction=True)
def test_a_compressed_message_of_64_kib_is_read(raw: RawSocket) -> None:
    body = b'{"id":9,"ping":{}}'
    raw.send_frame(0xC1, deflated(body + b" " * (64 * 1024 - len(body))))
    assert next(raw.messages()) == {"id": 9, "ping": {}}
    half = deflated(b'{"id":10,"ping":{}}')
    raw.send_frame(0x41, half[:5])  # in two fragments, only the first is marked
    raw.send_frame(0x80, half[5:])
    assert next(raw.messages()) == {"id": 10, "ping": {}}


def test_the_codecs_differ_by_name_and_keep_their_subprotocol() -> None:
    assert MESSAGE_PACK.name == "souk.msgpack.v1"
    assert len({codec.name for codec in (*DEFLATED, *DEFLATED.values())}) == 4
