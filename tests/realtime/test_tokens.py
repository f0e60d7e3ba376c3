"""Tickets and passes: how often they let in, and what makes them void."""

import asyncio
from collections.abc import Collection

import pytest
from django.db.models import F
from pytest_django.fixtures import DjangoAssertNumQueries, Settings
from redis import Redis

from accounts.actions import sign_outs
from accounts.models import User
from realtime import CommandError, db, issue_ticket
from realtime.exceptions import TOKEN_EXPIRED, UNAUTHORIZED
from realtime.sign_outs import TOGETHER
from realtime.store import Store
from realtime.tokens import Holder, issue_resume, redeem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live")]

asked: list[int] = []


def counted(users: Collection[int]) -> dict[int, int]:
    """One query, as `test_one_query_tells_of_500_users` says."""
    asked.append(len(users))
    return sign_outs(users)


async def a_user(name: str = "ann") -> User:
    made: User = await db(User.objects.create, username=name)
    return made


async def refusal(token: str) -> int:
    with pytest.raises(CommandError) as refused:
        await redeem(token)
    return refused.value.code


async def test_a_ticket_lets_in_once() -> None:
    ann = await a_user()
    ticket = await issue_ticket(ann.pk)
    assert (await redeem(ticket)).holder == Holder(ann.pk, 0)
    assert await refusal(ticket) == TOKEN_EXPIRED.code


async def test_a_ticket_used_by_ten_at_once_lets_one_in() -> None:
    ticket = await issue_ticket((await a_user()).pk)
    told = await asyncio.gather(
        *(redeem(ticket) for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(one, CommandError) for one in told) == 9


async def test_the_store_keeps_no_ticket_that_could_be_read_there(live: Store) -> None:
    ticket = await issue_ticket((await a_user()).pk)
    (key,) = await live.call("KEYS", "*")
    assert ticket.removeprefix("t.") not in key.decode()
    assert 0 < await live.call("TTL", key) <= 30


async def test_an_emptied_store_costs_tickets_and_voids_no_pass(admin: Redis) -> None:
    ann = await a_user()
    ticket, resume = await issue_ticket(ann.pk), issue_resume(Holder(ann.pk, 0))
    admin.flushall()
    assert await refusal(ticket) == TOKEN_EXPIRED.code
    assert (await redeem(resume)).holder.user == ann.pk


async def test_signing_out_is_remembered_by_no_store(admin: Redis) -> None:
    ann = await a_user()
    ticket, resume = await issue_ticket(ann.pk), issue_resume(Holder(ann.pk, 0))
    await db(User.objects.filter(pk=ann.pk).update, sign_outs=F("sign_outs") + 1)
    admin.flushall()
    for token in (ticket, resume):
        assert await refusal(token) == TOKEN_EXPIRED.code
    assert (await redeem(await issue_ticket(ann.pk))).holder == Holder(ann.pk, 1)


async def test_who_may_not_come_in_gets_no_ticket() -> None:
    ann = await a_user()
    await db(User.objects.filter(pk=ann.pk).update, is_active=False)
    with pytest.raises(CommandError) as refused:
        await issue_ticket(ann.pk)
    assert refused.value.code == UNAUTHORIZED.code


async def test_five_thousand_who_return_at_once_cost_ten_queries(
    settings: Settings,
) -> None:
    settings.SOUK_SIGN_OUTS = f"{__name__}.counted"
    people = [User(username=f"viewer {n}") for n in range(5_000)]
    made = await db(User.objects.bulk_create, people)
    asked.clear()
    passes = [issue_resume(Holder(user.pk, 0)) for user in made]
    grants = await asyncio.gather(*map(redeem, passes))
    assert [grant.holder.user for grant in grants] == [user.pk for user in made]
    assert asked == [TOGETHER] * 10


def test_one_query_tells_of_500_users(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        assert sign_outs(range(1, TOGETHER + 1)) == {}
