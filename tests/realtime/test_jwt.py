"""Tokens others sign: what is read, what is refused, how long they let stay."""

import asyncio
import time
from collections.abc import Collection

import pytest
from pytest_django.fixtures import Settings

from realtime import CommandError
from realtime.exceptions import TOKEN_EXPIRED, UNAUTHORIZED
from realtime.jwt import Claims, read
from realtime.protocol import INVALID_TOKEN, Closing
from realtime.testing import LiveClient, Refused
from realtime.tokens import Holder, issue_ticket, redeem
from tests.live import Connect, Server, Spawn
from tests.realtime.conftest import SQUARE
from tests.realtime.partners import KEYS, PUBLIC, SECRET, TRUSTING, token

DAY = 24 * 3600
KIDS = ["shared", "signed"]


@pytest.fixture(autouse=True)
def partners(settings: Settings) -> None:
    settings.SOUK_JWT_KEYS = KEYS


def refused(given: str) -> str:
    with pytest.raises(Closing) as closing:
        read(given)
    return closing.value.close.reason


@pytest.mark.parametrize("kid", KIDS)
def test_a_partner_s_token_says_who_and_how_long(kid: str) -> None:
    said = read(token(7, 60, kid=kid, more="unknown claims are the partner's"))
    assert said.user == 7 and 58 <= said.ttl <= 60


@pytest.mark.parametrize("kid", KIDS)
def test_clocks_may_be_ten_seconds_apart(kid: str) -> None:
    now = int(time.time())
    assert read(token(7, -5, kid=kid)) == Claims(7, 1)
    assert read(token(7, kid=kid, iat=now + 5)).user == 7
    assert refused(token(7, kid=kid, iat=now + 60)) == "invalid token"
    with pytest.raises(CommandError) as over:
        read(token(7, -11, kid=kid))
    assert over.value.code == TOKEN_EXPIRED.code


@pytest.mark.parametrize(
    "forged",
    [
        token(7, by=(b"another secret of thirty-two byt", "HS256")),
        token(7, kid="signed", by=(PUBLIC, "HS256")),
        token(7, kid="nobody"),
        token(7, kid="shared", by=(None, "none")),
        token(7, kid="signed", by=(None, "none")),
        token(7, by=(SECRET * 2, "HS512")),
        token(7)[:-2],
        token(7, aud="https://elsewhere.example"),
        token(7, aud=None),
        token(7, exp=None),
        token(7, exp=1e999),
        token(7, exp="soon"),
        token(7, exp="99999999999"),
        token(7, iat=None),
        token(7, sub=None),
        *(token(user) for user in ("", "0", "07", "mei", "٧", "9" * 19, "7\n")),
        *("", "x", "..", "a.b.c", "{}.{}.{}", "é.é.é", "e30.e30.", "bnVsbA.e30.x"),
    ],
)
def test_whatever_a_partner_did_not_sign_for_us_is_refused(forged: str) -> None:
    assert refused(forged) == "invalid token"


def test_a_token_lives_a_day_at_most() -> None:
    assert read(token(7, DAY - 60)).user == 7
    assert refused(token(7, DAY + 60)) == "invalid token"


def test_without_partners_no_token_is_read(settings: Settings) -> None:
    settings.SOUK_JWT_KEYS = ""
    assert refused(token(7)) == "invalid token"


def once_signed_out(users: Collection[int]) -> dict[int, int]:
    return dict.fromkeys(set(users) - {13}, 1)


@pytest.mark.django_db(transaction=True)
async def test_a_partner_speaks_only_for_those_who_may_come_in(
    settings: Settings,
) -> None:
    settings.SOUK_SIGN_OUTS = f"{__name__}.once_signed_out"
    assert (await redeem(token(7))).holder == Holder(7, 1)
    with pytest.raises(CommandError) as closed:
        await redeem(token(13))
    assert closed.value.code == UNAUTHORIZED.code


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_a_partner_s_user_is_told_when_to_come_with_another_token(
    visit: Connect, codec: str
) -> None:
    client = await visit(codec=codec, token=token(7, 60))
    assert client.hello["expires"] is True and 50 <= client.hello["ttl"] <= 60
    assert "#7" in client.hello["subs"] and "resume" not in client.hello["data"]
    later = await client.command("refresh", {"token": token(7, 600, kid="signed")})
    assert later["expires"] is True and 590 <= later["ttl"] <= 600
    assert later["client"] == client.hello["client"] and later["version"]
    ours = await client.command("refresh", {"token": await issue_ticket(7)})
    assert "expires" not in ours and "ttl" not in ours


@pytest.mark.django_db(transaction=True)
async def test_a_token_whose_time_is_over_is_told_from_one_that_is_wrong(
    visit: Connect,
) -> None:
    client = await visit(token=token(7))
    for over in (token(7, -11), "t.used"):
        with pytest.raises(Refused) as refusal:
            await client.command("refresh", {"token": over})
        assert (refusal.value.code, refusal.value.temporary) == (109, False)
    with pytest.raises(Refused) as again:
        await visit(token=token(7, -11))
    assert again.value.code == 109


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("other", [token(8), token(7, kid="nobody"), ""])
async def test_a_socket_stays_with_its_user(visit: Connect, other: str) -> None:
    client = await visit(token=token(7))
    await client.ask("refresh", {"token": other})
    assert (await client.wait_closed()).code == INVALID_TOKEN.code


@pytest.mark.django_db(transaction=True)
async def test_nobody_becomes_somebody_on_the_same_socket(visit: Connect) -> None:
    client = await visit()
    await client.ask("refresh", {"token": token(7)})
    assert (await client.wait_closed()).code == 3500


@pytest.mark.django_db(transaction=True)
async def test_who_brings_no_other_token_in_time_is_closed_and_who_does_stays(
    visit: Connect, spawn_server: Spawn
) -> None:
    hasty: Server = spawn_server(
        SOUK_ROUTER=SQUARE, SOUK_SIGN_OUTS="", SOUK_PING_SECONDS="1", **TRUSTING
    )
    late: LiveClient = await visit(to=hasty, token=token(7, 1))
    kept: LiveClient = await visit(to=hasty, token=token(7, 1))
    await kept.command("refresh", {"token": token(7, 60)})
    ending = asyncio.create_task(late.control("disconnect"))
    while not ending.done():
        await kept.command("ping", {})
        await asyncio.wait({ending}, timeout=0.06)  # as often as it may
    assert kept.pings  # they come to a busy socket too: some SDKs go by nothing else
    told = await ending
    assert told["disconnect"] == {
        "code": 3005,
        "reason": "connection expired",
        "reconnect": True,
    }
    assert (await late.wait_closed()).code == 3005
    assert (await kept.rpc("whisper.say", {"text": "here"}))["user"] == 7
