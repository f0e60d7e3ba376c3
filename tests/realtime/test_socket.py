"""What a client meets over a real socket, with either codec."""

import asyncio

import pytest

from accounts.models import User
from realtime.testing import LiveClient, Refused
from realtime.tokens import Holder, issue_resume, issue_ticket
from tests.live import Connect, Server

pytestmark = pytest.mark.django_db(transaction=True)

CODECS = ["json", "msgpack"]


async def refusal(client: LiveClient, method: str, data: dict[str, object]) -> Refused:
    with pytest.raises(Refused) as refused:
        await client.rpc(method, data)
    return refused.value


@pytest.mark.parametrize("codec", CODECS)
async def test_a_ticket_lets_in_and_the_personal_channel_comes_with_it(
    visit: Connect, codec: str
) -> None:
    client = await visit(7, codec)
    personal = client.hello["subs"]["#7"]
    assert personal["recoverable"] and personal["positioned"] and personal["epoch"]
    assert client.hello["ping"] == 25 and client.hello["pong"] is True
    assert client.hello["data"]["resume"].startswith("r.")
    assert client.hello["data"]["now"] > 1_700_000_000_000
    said = await client.rpc("echo.say", {"key": "k1", "text": "hello"})
    assert said == {"text": "hello", "user": 7}


async def test_a_ticket_works_once(visit: Connect, square: Server) -> None:
    ticket = await issue_ticket(7)
    await visit(token=ticket)
    with pytest.raises(Refused) as refused:
        await visit(token=ticket)
    assert (refused.value.code, refused.value.name) == (109, "token_expired")


async def test_a_resume_pass_lets_in_again_and_again(visit: Connect) -> None:
    first = await visit(7)
    for _ in range(2):
        again = await visit(token=first.hello["data"]["resume"])
        assert "#7" in again.hello["subs"]


async def test_a_pass_of_yesterday_is_expired(visit: Connect) -> None:
    with pytest.raises(Refused) as refused:
        await visit(token=issue_resume(Holder(7, 0), now=0))
    assert refused.value.code == 109


async def test_whoever_is_not_signed_in_has_no_channel_and_calls_what_is_public(
    visit: Connect,
) -> None:
    client = await visit()
    assert "subs" not in client.hello and "resume" not in client.hello["data"]
    assert await client.rpc("whisper.say", {"text": "hi"}) == {
        "text": "hi",
        "user": None,
    }
    error = await refusal(client, "echo.say", {"key": "k", "text": "x"})
    assert (error.code, error.name) == (101, "unauthorized")


async def test_a_room_answers_at_connect_only_if_it_was_asked(visit: Connect) -> None:
    asked = await visit(7, data={"mail": True})
    assert asked.hello["data"]["mail"] == {"letters": 3, "recovered": False}
    assert "mail" not in (await visit(7)).hello["data"]


@pytest.mark.parametrize("codec", CODECS)
async def test_what_happens_while_a_room_is_asked_at_connect_follows_the_reply(
    visit: Connect, codec: str
) -> None:
    client = await visit(70, codec, data={"mail": "busy"})
    start = client.hello["subs"]["#70"].get("offset", 0)
    push = await client.publication("#70")
    assert push["pub"] == {"data": {"type": "told", "n": 99}, "offset": start + 1}


@pytest.mark.parametrize("codec", CODECS)
async def test_a_subscriber_gets_every_publication_in_order(
    visit: Connect, codec: str
) -> None:
    client, other = await visit(1, codec), await visit(2)
    channel = f"deals:order-{codec}"
    reply = await client.subscribe(channel)
    assert reply["recoverable"] and reply["positioned"]
    assert reply["data"] == {"board": f"board of order-{codec}", "weather": "fair"}
    await other.rpc("tell.all", {"channel": channel, "first": 1, "count": 20})
    got = [await client.publication(channel) for _ in range(20)]
    assert [p["pub"]["data"]["n"] for p in got] == list(range(1, 21))
    start = reply.get("offset", 0)
    assert [p["pub"]["offset"] for p in got] == list(range(start + 1, start + 21))


async def test_what_happens_while_a_room_is_asked_follows_the_subscribe_reply(
    visit: Connect,
) -> None:
    client = await visit(1)
    reply = await client.subscribe("deals:busy")
    push = await client.publication("deals:busy")
    assert push["pub"]["offset"] == reply.get("offset", 0) + 1


async def test_after_unsubscribe_nothing_comes_and_again_is_no_error(
    visit: Connect,
) -> None:
    client = await visit(1)
    await client.subscribe("deals:left")
    await client.unsubscribe("deals:left")
    await client.unsubscribe("deals:left")
    await client.rpc("tell.all", {"channel": "deals:left", "first": 1})
    await client.subscribe("deals:left")
    await client.rpc("tell.all", {"channel": "deals:left", "first": 2})
    assert (await client.push("deals:left"))["n"] == 2
    assert not client.waiting("deals:left")


@pytest.mark.parametrize("codec", CODECS)
async def test_who_returns_gets_what_was_missed_in_order(
    visit: Connect, codec: str
) -> None:
    client, other = await visit(1, codec), await visit(2)
    channel = f"deals:return-{codec}"
    start = await client.subscribe(channel)
    offset = start.get("offset", 0)
    client.cut()
    await other.rpc("tell.all", {"channel": channel, "first": 1, "count": 3})
    back = await visit(1, codec)
    reply = await back.subscribe(
        channel, recover=True, epoch=start["epoch"], offset=offset
    )
    assert reply["was_recovering"] and reply["recovered"]
    missed = reply["publications"]
    assert [p["data"]["n"] for p in missed] == [1, 2, 3]
    assert [p["offset"] for p in missed] == [offset + 1, offset + 2, offset + 3]
    assert reply["offset"] == offset + 3


async def test_a_personal_channel_recovers_with_the_connect(visit: Connect) -> None:
    client, other = await visit(31), await visit(2)
    start = client.hello["subs"]["#31"]
    client.cut()
    await other.rpc("tell.all", {"channel": "#31", "first": 1, "count": 2})
    where = {"recover": True, "epoch": start["epoch"], "offset": start.get("offset", 0)}
    back = await visit(31, subs={"#31": where}, data={"mail": True})
    personal = back.hello["subs"]["#31"]
    assert personal["recovered"]
    assert [p["data"]["n"] for p in personal["publications"]] == [1, 2]
    assert back.hello["data"]["mail"]["recovered"] is True


async def test_a_position_history_no_longer_reaches_is_not_recovered(
    visit: Connect,
) -> None:
    client = await visit(1)
    start = await client.subscribe("deals:far")
    await client.unsubscribe("deals:far")
    await client.rpc("tell.all", {"channel": "deals:far", "first": 1, "count": 15})
    where = {"recover": True, "epoch": start["epoch"], "offset": start.get("offset", 0)}
    with pytest.raises(Refused) as refused:
        await client.subscribe("deals:far", flag=2, **where)
    assert refused.value.code == 112
    reply = await client.subscribe("deals:far", **where)
    assert reply["was_recovering"] and "recovered" not in reply
    assert "publications" not in reply and reply["data"]["weather"] == "fair"


@pytest.mark.parametrize("where", [{"epoch": "nosuch"}, {"offset": 999}])
async def test_a_position_that_never_was_is_not_recovered(
    visit: Connect, where: dict[str, object]
) -> None:
    client = await visit(1)
    start = await client.subscribe("deals:never")
    await client.unsubscribe("deals:never")
    known = {"epoch": start["epoch"], "offset": start.get("offset", 0)}
    reply = await client.subscribe("deals:never", recover=True, **{**known, **where})
    assert reply["was_recovering"] and "recovered" not in reply


@pytest.mark.parametrize("codec", CODECS)
async def test_state_comes_whole_at_subscribe_and_then_by_key(
    visit: Connect, codec: str
) -> None:
    client = await visit(1, codec)
    channel = f"state:{codec}"

    async def set_price(item: str, amount: int) -> None:
        body = {"channel": channel, "item": item, "amount": amount}
        await client.rpc("price.set", body)

    await set_price("tea", 5)
    await set_price("tea", 6)
    await set_price("cup", 9)
    reply = await client.subscribe(channel)
    (whole,) = reply["publications"]
    assert whole == {
        "data": {
            "price:tea": {"item": "tea", "amount": 6},
            "price:cup": {"item": "cup", "amount": 9},
        }
    }
    await set_price("tea", 7)
    assert await client.push(channel) == {"price:tea": {"item": "tea", "amount": 7}}


async def test_history_is_read_from_a_position_by_subscribers(visit: Connect) -> None:
    client = await visit(1)
    body = {"channel": "deals:past", "limit": 2}
    with pytest.raises(Refused) as refused:
        await client.command("history", body)
    assert refused.value.code == 103
    start = await client.subscribe("deals:past")
    since = {"epoch": start["epoch"], "offset": start.get("offset", 0)}
    await client.rpc("tell.all", {"channel": "deals:past", "first": 1, "count": 4})
    read = await client.command("history", {**body, "since": since})
    assert [p["data"]["n"] for p in read["publications"]] == [1, 2]
    newest = await client.command("history", {**body, "reverse": True})
    assert [p["data"]["n"] for p in newest["publications"]] == [4, 3]
    only_where = await client.command("history", {"channel": "deals:past"})
    assert only_where == {"epoch": since["epoch"], "offset": since["offset"] + 4}
    with pytest.raises(Refused) as refused:
        await client.command("history", {**body, "since": {**since, "epoch": "old"}})
    assert refused.value.code == 112


async def test_history_goes_back_from_a_position_and_says_where_it_no_longer_reaches(
    visit: Connect,
) -> None:
    client = await visit(1)
    where = await client.subscribe("deals:deep")  # ten are kept
    start = {"epoch": where["epoch"], "offset": where.get("offset", 0)}
    first = start["offset"] + 1
    await client.rpc("tell.all", {"channel": "deals:deep", "first": 1, "count": 15})

    async def read(offset: int | None, **more: object) -> list[int]:
        since = {} if offset is None else {"since": {**start, "offset": offset}}
        body = {"channel": "deals:deep", **since, **more}
        told = await client.command("history", body)
        assert (told["epoch"], told["offset"]) == (start["epoch"], first + 14)
        return [p["data"]["n"] for p in told.get("publications", [])]

    assert await read(None, limit=1_000) == list(range(6, 16))
    assert await read(first + 11, limit=1_000) == [13, 14, 15]
    assert await read(first + 11, limit=3, reverse=True) == [11, 10, 9]
    assert await read(first + 14, limit=3) == []
    assert await read(first, limit=0) == []
    for too_far in (first - 1, first + 3):
        with pytest.raises(Refused) as refused:
            await read(too_far, limit=3)
        assert refused.value.code == 112
    assert await read(first + 4, limit=3) == [6, 7, 8]


async def test_those_on_a_counted_channel_are_counted(visit: Connect) -> None:
    clients = [await visit(1), await visit(1), await visit(2), await visit()]
    for client in clients:
        await client.subscribe("deals:crowd")
    stats = {}
    for _ in range(100):  # told every two seconds
        stats = await clients[0].command("presence_stats", {"channel": "deals:crowd"})
        if stats.get("num_clients") == 4:
            break
        await asyncio.sleep(0.1)
    assert stats == {"num_clients": 4, "num_users": 3}


async def test_commands_of_one_noun_keep_their_order_and_hold_up_no_other(
    visit: Connect,
) -> None:
    client = await visit(1)
    first = await client.ask(
        "rpc", {"method": "wait.until", "data": {"bell": "order-1"}}
    )
    second = await client.ask(
        "rpc", {"method": "wait.until", "data": {"bell": "order-2"}}
    )
    await client.rpc("ring.bell", {"bell": "order-2"})
    await client.rpc("whisper.say", {"text": "meanwhile"})
    done = asyncio.create_task(client.answer(second))
    await client.rpc("whisper.say", {"text": "still"})
    assert not done.done()
    await client.rpc("ring.bell", {"bell": "order-1"})
    await client.answer(first)
    await done


async def test_the_seventeenth_command_is_read_when_one_of_sixteen_has_ended(
    visit: Connect,
) -> None:
    client, ringer = await visit(1), await visit(2)
    for n in range(16):
        body = {"method": "wait.until", "data": {"bell": f"sixteen-{n}"}}
        await client.ask("rpc", body)
    last = asyncio.create_task(client.rpc("whisper.say", {"text": "me too"}))
    for _ in range(3):
        await ringer.rpc("whisper.say", {"text": "meanwhile"})
    assert not last.done()
    await ringer.rpc("ring.bell", {"bell": "sixteen-0"})
    assert (await last)["text"] == "me too"
    for n in range(1, 16):
        await ringer.rpc("ring.bell", {"bell": f"sixteen-{n}"})


async def test_a_command_without_an_answer_in_four_seconds_is_unavailable(
    visit: Connect,
) -> None:
    client = await visit(1)
    late = await client.ask("rpc", {"method": "wait.until", "data": {"bell": "late"}})
    channel = await client.ask("subscribe", {"channel": "deals:slow"})
    for id_ in (late, channel):
        with pytest.raises(Refused) as refused:
            await client.answer(id_)
        assert (refused.value.code, refused.value.temporary) == (108, True)
    await client.rpc("ring.bell", {"bell": "late"})


async def test_a_plain_handler_queries_in_a_database_thread(visit: Connect) -> None:
    await asyncio.to_thread(User.objects.create, username="mei", name="Mei")
    client = await visit()
    assert (await client.rpc("count.rows"))["text"] == "1"


async def test_a_refusal_carries_its_facts_and_a_mistake_of_ours_only_an_incident(
    visit: Connect,
) -> None:
    client = await visit()
    error = await refusal(client, "refuse.me", {})
    assert (error.code, error.name, error.data) == (1901, "closed_today", {"until": 9})
    broken = await refusal(client, "break.down", {})
    assert (broken.code, broken.temporary) == (100, True)
    assert set(broken.data) == {"id"}


async def test_a_database_that_is_away_is_no_mistake_of_ours(visit: Connect) -> None:
    away = await refusal(await visit(), "break.down", {"away": True})
    assert (away.code, away.name, away.temporary) == (108, "unavailable", True)


async def test_a_shared_bucket_counts_all_connections_of_a_user(visit: Connect) -> None:
    one, two = await visit(55), await visit(55)
    await one.rpc("often.asked")
    await two.rpc("often.asked")
    error = await refusal(one, "often.asked", {})
    assert (error.code, error.temporary) == (111, True)
    assert error.data["retry_after_ms"] > 1000
    await (await visit(56)).rpc("often.asked")


async def test_too_many_commands_are_refused_with_a_time_to_wait(
    visit: Connect,
) -> None:
    client = await visit()
    body = {"method": "whisper.say", "data": {}}
    ids = [await client.ask("rpc", body) for _ in range(70)]
    answers = await asyncio.gather(*map(client.answer, ids), return_exceptions=True)
    refused = [a for a in answers if isinstance(a, Refused)]
    assert 1 <= len(refused) <= 10
    assert {r.code for r in refused} == {111}
    assert 0 < refused[0].data["retry_after_ms"] <= 50


async def test_a_user_has_twenty_sockets_at_most(visit: Connect) -> None:
    for _ in range(20):
        await visit(77)
    client = LiveClient((await visit(78)).url)
    await client.open()
    await client.ask("connect", {"token": await issue_ticket(77)})
    assert (await client.wait_closed()).code == 3504


async def test_an_order_from_elsewhere_ends_a_subscription_or_a_connection(
    visit: Connect,
) -> None:
    from realtime import disconnect, unsubscribe

    client, bystander = await visit(61), await visit(62)
    await client.subscribe("deals:ban")
    await bystander.subscribe("deals:ban")
    await unsubscribe(61, ["deals:ban"], 2100)
    push = await client.control("unsubscribe")
    assert push["channel"] == "deals:ban" and push["unsubscribe"]["code"] == 2100
    await client.rpc("tell.all", {"channel": "deals:ban", "first": 1})
    assert (await bystander.push("deals:ban"))["n"] == 1
    assert not client.waiting("deals:ban")
    await disconnect(61, 4501)
    told = (await client.control("disconnect"))["disconnect"]
    assert told == {"code": 4501, "reason": "signed out", "reconnect": False}
    assert (await client.wait_closed()).code == 4501
    assert await bystander.rpc("whisper.say", {"text": "here"})


async def test_viewers_of_two_processes_see_one_channel_and_recover_on_either(
    visit: Connect, spawn_square: Server
) -> None:
    here, there = await visit(1), await visit(2, to=spawn_square)
    start = await there.subscribe("deals:two")
    await here.subscribe("deals:two")
    await here.rpc("tell.all", {"channel": "deals:two", "first": 1})
    await there.rpc("tell.all", {"channel": "deals:two", "first": 2})
    for client in (here, there):
        assert [(await client.push("deals:two"))["n"] for _ in range(2)] == [1, 2]
    where = {"recover": True, "epoch": start["epoch"], "offset": start.get("offset", 0)}
    moved = await visit(2)
    reply = await moved.subscribe("deals:two", **where)
    assert [p["data"]["n"] for p in reply["publications"]] == [1, 2]


async def test_a_process_that_ends_tells_everybody(spawn_square: Server) -> None:
    client = LiveClient(spawn_square.url)
    await client.open()
    await client.connect()
    status = await asyncio.to_thread(spawn_square.stop)
    assert status == 0
    assert (await client.control("disconnect"))["disconnect"]["reconnect"] is True
    closed = await client.wait_closed()
    assert (closed.code, closed.reason) == (3001, "shutdown")


async def test_a_command_that_waits_in_its_line_is_answered_in_time_too(
    visit: Connect,
) -> None:
    client, ringer = await visit(7), await visit(8)
    waiting = [client.rpc("wait.until", {"bell": "in line"}) for _ in range(2)]
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [getattr(t, "name", t) for t in told] == ["unavailable", "unavailable"]
    await ringer.rpc("ring.bell", {"bell": "in line"})
