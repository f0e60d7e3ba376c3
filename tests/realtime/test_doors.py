"""Bad input at the socket's door: the typed answer, and nothing else."""

import asyncio
import json
from urllib.parse import urlsplit

import msgpack
import pytest
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import InvalidStatus

from realtime.testing import Closed, LiveClient, Refused
from tests.live import Connect, Server, Spawn

pytestmark = pytest.mark.django_db(transaction=True)


async def ended(client: LiveClient, frame: str | bytes) -> Closed:
    await client.send_raw(frame)
    return await client.wait_closed()


@pytest.mark.parametrize("frame", ["{", "[]", "7", '{"id":1}{"id":2}', "\x00", b"\x81"])
async def test_a_frame_that_is_not_of_the_codec_ends_it(
    visit: Connect, frame: str | bytes
) -> None:
    assert (await ended(await visit(), frame)).code == 3501


@pytest.mark.parametrize("frame", [b"\xc1", b"\x81\xa2id", b"\x93\x01\x02\x03", "{}"])
async def test_a_frame_that_is_not_messagepack_ends_it(
    visit: Connect, frame: str | bytes
) -> None:
    assert (await ended(await visit(codec="msgpack"), frame)).code == 3501


@pytest.mark.parametrize(
    "frame",
    [
        '{"id":1,"rpc":{"method":"whisper.say"}}',  # before connect
        '{"connect":{}}',  # without an id
        '{"id":-1,"connect":{}}',
        '{"id":4294967296,"connect":{}}',
        "\n".join(['{"id":1,"ping":{}}'] * 65),
    ],
)
async def test_a_command_out_of_place_ends_it(square: Server, frame: str) -> None:
    async with LiveClient(square.url) as client:
        assert (await ended(client, frame)).code == 3501


async def test_a_second_connect_ends_it(visit: Connect) -> None:
    client = await visit()
    await client.ask("connect", {})
    assert (await client.wait_closed()).code == 3501


async def test_who_does_not_connect_in_time_is_stale(square: Server) -> None:
    async with LiveClient(square.url) as client:
        assert (await client.wait_closed()).code == 3502


async def test_a_forged_token_is_not_let_in(square: Server, visit: Connect) -> None:
    good = (await visit(7)).hello["data"]["resume"]
    user_8 = "r." + "kghaAA" + "." + good.split(".")[2]
    for token in ("nonsense", "t", "r.x", "r.é.x", "r.kgfOafg7wQ.AAAA", user_8, "r.."):
        async with LiveClient(square.url) as client:
            await client.ask("connect", {"token": token})
            closed = await client.wait_closed()
            assert (closed.code, closed.reason) == (3500, "invalid token")


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"text": "no key"}, "$"),
        ({"key": "k", "text": 7}, "$.text"),
        ({"key": "k", "text": "far too long a text"}, "$.text"),
        ({"key": "k", "text": "x", "extra": 1}, "$"),
        ({"key": "k k", "text": "x"}, "$.key"),
        ({"key": "k", "text": "x", "number": 2**53 + 1}, "$.number"),
        ({"key": "k", "text": "x", "number": 1.5}, "$.number"),
        ([], "$"),
    ],
)
@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_a_malformed_command_is_told_where_and_why(
    visit: Connect, codec: str, data: object, path: str
) -> None:
    client = await visit(7, codec)
    with pytest.raises(Refused) as refused:
        await client.command("rpc", {"method": "echo.say", "data": data})
    assert (refused.value.code, refused.value.data["path"]) == (107, path)
    assert refused.value.data["why"]


async def test_a_lone_surrogate_is_a_bad_request(visit: Connect) -> None:
    client = await visit(7)
    body = {"method": "echo.say", "data": {"key": "k", "text": "\ud800"}}
    with pytest.raises(Refused) as refused:
        await client.command("rpc", body)
    assert refused.value.code == 107


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_deep_nesting_breaks_nothing(visit: Connect, codec: str) -> None:
    client = await visit(7, codec)
    if codec == "json":
        deep = "[" * 20000 + "]" * 20000
        await client.send_raw(f'{{"id":900,"rpc":{{"method":"x.y","data":{deep}}}}}')
    else:
        head = b"\x82\xa2id\xcd\x03\x84\xa3rpc\x82\xa6method\xa3x.y\xa4data"
        await client.send_raw(head + b"\x91" * 20000 + b"\xc0")
    again = await visit(7, codec)
    assert await again.rpc("whisper.say", {"text": "alive"})


async def test_two_commands_in_one_envelope_are_a_bad_request(visit: Connect) -> None:
    client = await visit()
    body = {"method": "whisper.say"}
    id_ = await client.ask("ping", {})
    await client.answer(id_)
    client._replies[900] = asyncio.get_running_loop().create_future()
    await client.send([{"id": 900, "ping": {}, "rpc": body}])
    with pytest.raises(Refused) as refused:
        await client.answer(900)
    assert refused.value.code == 107


@pytest.mark.parametrize(
    ("command", "body", "code"),
    [
        ("rpc", {"method": "no.such", "data": {}}, 104),
        ("rpc", {"method": 7}, 107),
        ("rpc", {}, 107),
        ("subscribe", {"channel": "#8"}, 103),
        ("subscribe", {"channel": "#7"}, 105),
        ("subscribe", {"channel": "nosuch:1"}, 102),
        ("subscribe", {"channel": "deals"}, 102),
        ("subscribe", {"channel": "deals:../x"}, 102),
        ("subscribe", {"channel": "deals:" + "x" * 65}, 102),
        ("subscribe", {"channel": "!control"}, 102),
        ("subscribe", {"channel": "deals:private"}, 1901),
        ("subscribe", {"channel": "deals:1", "type": 1}, 107),
        ("subscribe", {}, 107),
        ("publish", {"channel": "deals:1", "data": {}}, 103),
        ("presence", {"channel": "deals:1"}, 104),
        ("sub_refresh", {"channel": "deals:1", "token": ""}, 104),
        ("history", {"channel": "deals:other"}, 103),
        ("presence_stats", {"channel": "deals:other"}, 103),
    ],
)
async def test_what_cannot_be_is_refused_by_its_code(
    visit: Connect, command: str, body: dict[str, object], code: int
) -> None:
    client = await visit(7)
    if body.get("channel") == "#7":
        assert "#7" in client.hello["subs"]
    with pytest.raises(Refused) as refused:
        await client.command(command, body)
    assert refused.value.code == code
    assert await client.command("ping", {}) == {}


async def test_subscribing_twice_and_to_a_65th_channel_is_refused(
    visit: Connect,
) -> None:
    client = await visit()
    for n in range(64):
        await client.subscribe(f"comments:{n}")
    for channel, code in (("comments:3", 105), ("comments:64", 106)):
        with pytest.raises(Refused) as refused:
            await client.subscribe(channel)
        assert refused.value.code == code


async def test_a_message_without_reply_is_not_available(visit: Connect) -> None:
    client = await visit()
    assert (await ended(client, '{"send":{"data":{}}}')).code == 3508


async def test_unknown_fields_of_the_envelope_are_ignored(visit: Connect) -> None:
    client = await visit()
    client._replies[901] = asyncio.get_running_loop().create_future()
    await client.send([{"id": 901, "novel": 1, "ping": {"novel": 2}}])
    assert await client.answer(901) == {}


async def test_a_frame_beyond_64_kib_is_too_big(visit: Connect) -> None:
    for frame in ("x" * 70_000, b"x" * 70_000):
        assert (await ended(await visit(), frame)).code == 1009


async def test_a_message_beyond_64_kib_in_fragments_is_too_big(visit: Connect) -> None:
    client = await visit()
    parts = ["x" * 30_000] * 3
    with pytest.raises(Closed):
        await client.socket.send(parts)
        raise await client.wait_closed()
    assert client.closed is not None and client.closed.code == 1009


async def test_text_that_is_not_utf_8_is_refused_by_the_protocol(
    visit: Connect,
) -> None:
    client = await visit()
    await client.socket.send(b"\xff\xfe", text=True)
    assert (await client.wait_closed()).code == 1007


@pytest.mark.parametrize(
    "frame",
    [b"\xf1\x80\x00\x00\x00\x00", b"\x83\x80\x00\x00\x00\x00", b"\x81\x00"],
    ids=["reserved bits", "reserved opcode", "no mask"],
)
async def test_a_frame_against_the_protocol_ends_it(
    visit: Connect, frame: bytes
) -> None:
    client = await visit()
    client.socket.transport.write(frame)
    assert (await client.wait_closed()).code == 1002


async def test_who_never_stops_being_refused_is_put_out(visit: Connect) -> None:
    client = await visit()
    frame = "\n".join(
        json.dumps({"id": 1000 + n, "rpc": {"method": "whisper.say"}})
        for n in range(60)
    )
    for n in range(300):
        client._replies[1000 + n] = asyncio.get_running_loop().create_future()
    for _ in range(5):
        await client.send_raw(frame)
    assert (await client.wait_closed()).code == 3013


async def test_a_foreign_page_gets_403_before_the_socket_opens(
    square: Server, spawn_server: Spawn
) -> None:
    foreign = LiveClient(square.url, origin="https://evil.example")
    with pytest.raises(InvalidStatus) as refused:
        await foreign.open()
    assert refused.value.response.status_code == 403
    async with LiveClient(square.url, origin=square.url) as own:
        await own.connect()


async def test_no_socket_lives_under_another_address(square: Server) -> None:
    address = f"ws://{urlsplit(square.url).netloc}/elsewhere"
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(address, proxy=None):
            pass
    assert refused.value.response.status_code == 403


async def test_messagepack_maps_follow_one_another_in_a_frame(visit: Connect) -> None:
    client = await visit(codec="msgpack")
    for id_ in (950, 951):
        client._replies[id_] = asyncio.get_running_loop().create_future()
    frame = b"".join(msgpack.packb({"id": id_, "ping": {}}) for id_ in (950, 951))
    await client.send_raw(frame)
    assert await client.answer(950) == await client.answer(951) == {}
