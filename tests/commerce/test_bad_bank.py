"""The bank at its worst, over real HTTP: paid once or given back, never both."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from pytest_django.fixtures import Settings

from commerce.actions import settling
from commerce.models import Inbox, Order, Payment, Refund
from commerce.providers.bank import dial, ledger
from commerce.providers.bank.dial import Dial
from commerce.providers.bank.news import signed
from commerce.providers.protocol import Charge
from realtime import db
from realtime.testing import LiveClient, Refused
from tests.commerce.conftest import PRICE, Show, key, open_show
from tests.commerce.money_at_hand import hold as hold_rows
from tests.commerce.test_buying import at_the_bank, hold, pay, state
from tests.live import Connect, Server, Spawn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def books(server: Server, settings: Settings) -> Iterator[None]:
    """The bank's books, opened from outside the server; the dial rests after it."""
    settings.SOUK_DATA = server.log.parent
    dial.turn(Dial())
    yield
    dial.turn(Dial())


def ref_of(started: dict[str, str]) -> str:
    return started["redirect"].rpartition("/")[2]


def charges(order: str) -> list[ledger.Entry]:
    """What the bank's books say was taken for an order."""
    mine = [entry for entry in ledger.intents() if entry.shop_order == order]
    return [entry for entry in mine if entry.status == "succeeded"]


async def refund_done(client: LiveClient) -> int:
    """Wait until money is back; how much."""
    while True:
        told = await client.push(type="refund.changed")
        if told["state"] == "done":
            return int(told["amount"])


async def end_hold() -> None:
    await db(lambda: Order.objects.update(expires_at=1))


async def test_money_before_the_sweep_pays_though_its_news_was_lost(
    show: Show, connect: Connect
) -> None:
    """S9. The hold is over; the bank, told to cancel, says that it was paid."""
    me = await connect((await db(show.buyer)).pk)
    started = await pay(me, order := await hold(me, show))
    await db(ledger.move, ref_of(started), "succeeded")
    await end_hold()
    assert (await state(me, "paid"))["order"] == order
    assert await db(lambda: (show.left, Refund.objects.count())) == (9, 0)


async def test_money_at_the_moment_of_the_sweep_pays_or_goes_back(
    show: Show, connect: Connect, server: Server
) -> None:
    """S9. Buyers press pay just as their holds end, seven times over."""
    people = await db(show.buyers, 7)
    clients = [await connect(buyer.pk) for buyer in people]
    started = [await pay(one, await hold(one, show)) for one in clients]

    async def press(n: int) -> None:
        if n % 2:
            await end_hold()
        with suppress(AssertionError):  # the page has no button any more
            await at_the_bank(server, started[n]["redirect"])
        await end_hold()

    await asyncio.gather(*map(press, range(7)))
    for client in clients:
        told = await client.push(type="order.changed")
        while told["state"] not in ("paid", "expired"):
            told = await client.push(type="order.changed")

    def end() -> tuple[int, int, int]:
        taken = [entry.id for entry in ledger.intents() if entry.status == "succeeded"]
        mine = Payment.objects.filter(ref__in=taken)
        return mine.filter(use="order").count(), mine.count(), show.left

    paid, taken, left = await db(end)
    assert (paid, left) == (taken, 10 - taken)


@pytest.mark.parametrize("left", [1, 2])
async def test_money_after_the_sweep_takes_a_unit_or_goes_back(
    transactional_db: None, connect: Connect, server: Server, left: int
) -> None:
    """S9. The bank could not be asked, the hold went; then the buyer pays."""
    show = await db(open_show, left=left)
    me = await connect((await db(show.buyer)).pk)
    started = await pay(me, order := await hold(me, show))
    await db(dial.turn, Dial(error=100))
    await db(lambda: Order.objects.update(expires_at=1, grace=True))
    await state(me, "expired")
    await db(lambda: hold_rows(show))
    await db(dial.turn, Dial())
    await at_the_bank(server, started["redirect"])
    if left == 2:
        await state(me, "paid")
        assert await db(ledger.refunds, ref_of(started)) == []
    else:
        assert await refund_done(me) == PRICE
        (back,) = await db(ledger.refunds, ref_of(started))
        assert (back.amount, back.reason) == (PRICE, "late")
        view = await me.rpc("order.get", {"order": order})
        assert view["state"] == "expired"
    assert await db(lambda: show.left) == 0


async def test_news_twice_late_shuffled_and_forged_makes_one_paid(
    show: Show, connect: Connect, server: Server
) -> None:
    """S10. Every step is told three times, in any order, and by a stranger too."""
    await db(
        dial.turn, Dial(duplicate=2, shuffle=True, delay_ms=300, forged=100, seed=4)
    )
    me = await connect((await db(show.buyer)).pk)
    started = await pay(me, await hold(me, show))
    await at_the_bank(server, started["redirect"])
    await state(me, "paid")

    def kept() -> list[str]:
        rows = Inbox.objects.filter(ref=ref_of(started))
        return sorted(row.kind.partition(".")[2] for row in rows)

    async with asyncio.timeout(10):
        while await db(kept) != ["created", "processing", "succeeded"]:
            await asyncio.sleep(0.05)
    payment = await db(Payment.objects.get)
    assert (payment.state, payment.use) == ("settled", "order")
    order = await db(Order.objects.get)
    assert (order.state, order.version) == ("paid", 2)


async def test_news_of_another_amount_or_signature_pays_nothing(
    show: Show, connect: Connect, server: Server
) -> None:
    """S10. A wrong amount is kept and alerts; a forged letter is not even kept."""
    me = await connect((await db(show.buyer)).pk)
    started = await pay(me, await hold(me, show))
    entry = await db(ledger.get, ref_of(started))
    assert entry is not None
    lies = [
        (ledger.Entry(entry.id, "", "succeeded", 1, "cny", "", "", ""), ""),
        (ledger.Entry(entry.id, "", "succeeded", PRICE, "usd", "", "", ""), ""),
        (ledger.Entry(entry.id, "", "succeeded", PRICE, "cny", "", "", ""), "a thief"),
    ]
    async with httpx.AsyncClient(base_url=server.url) as liar:
        for n, (lie, by) in enumerate(lies):
            body, headers = signed(lie, f"evt_{key()}", "payment_intent.x", by=by)
            answer = await liar.post(
                "/webhooks/pay/bank", content=body, headers=headers
            )
            assert answer.status_code == (400 if by else 200), n
    told = await me.push(type="payment.changed")
    assert told["reason"] == "amount"
    mine = Inbox.objects.filter(ref=entry.id)
    kept = await db(lambda: [row.problem for row in mine])
    assert kept == ["amount", "amount"]
    order = await db(Order.objects.get)
    assert (order.state, order.version) == ("paying", 1)


async def test_news_comes_before_the_bank_s_own_answer(
    show: Show, connect: Connect
) -> None:
    """S10. The card is charged at once; its news names a payment we do not know yet."""
    await db(dial.turn, Dial(charge=True))
    me = await connect((await db(show.buyer)).pk)
    await pay(me, await hold(me, show))
    await state(me, "paid")
    ref = (await db(Payment.objects.get)).ref
    news = await db(lambda: Inbox.objects.get(ref=ref))
    assert news.handled_at is not None


async def test_three_days_late_news_still_pays_once(
    show: Show, connect: Connect, server: Server
) -> None:
    """S10. The order expired long ago; its money takes a unit again."""
    await db(dial.turn, Dial(drop=100))
    me = await connect((await db(show.buyer)).pk)
    started = await pay(me, await hold(me, show))
    await db(lambda: Payment.objects.update(check_at=None))
    entry = await db(ledger.move, ref_of(started), "succeeded")
    assert entry is not None and entry[1] is not None
    await db(dial.turn, Dial(error=100))
    await db(lambda: Order.objects.update(expires_at=1, grace=True))
    await state(me, "expired")
    body, headers = signed(entry[0], entry[1], "payment_intent.succeeded")
    async with httpx.AsyncClient(base_url=server.url) as bank:
        for _ in range(2):
            answer = await bank.post(
                "/webhooks/pay/bank", content=body, headers=headers
            )
            assert answer.status_code == 200
    await state(me, "paid")
    assert await db(lambda: show.left) == 9


async def test_without_any_news_it_is_paid_in_half_a_minute(
    show: Show, connect: Connect, server: Server
) -> None:
    """S11. All news is lost; the poll finds the money."""
    await db(dial.turn, Dial(drop=100))
    me = await connect((await db(show.buyer)).pk)
    order = await hold(me, show)
    started = await pay(me, order)
    begun = time.monotonic()
    await at_the_bank(server, started["redirect"])
    async with asyncio.timeout(30):
        while (await me.rpc("order.get", {"order": order}))["state"] != "paid":
            await asyncio.sleep(0.2)
    assert time.monotonic() - begun < 30
    assert not await db(Inbox.objects.filter(ref=ref_of(started)).exists)


@pytest.mark.parametrize("cut_ms", [0, 3200])
async def test_a_time_out_after_charging_charges_once(
    show: Show, connect: Connect, cut_ms: int
) -> None:
    """S12. The bank takes the money and does not answer; we ask again."""
    await db(dial.turn, Dial(charge=True, cut=100, cut_ms=cut_ms, drop=100))
    me = await connect((await db(show.buyer)).pk)
    order = await hold(me, show)
    command = {"key": key(), "order": order, "version": 0, "method": "bank"}
    with pytest.raises(Refused) as refused:
        await me.rpc("order.pay", command)
    assert refused.value.name == "payment_unavailable"
    await db(dial.turn, Dial(charge=True, drop=100))
    await me.rpc("order.pay", command)
    await db(lambda: Payment.objects.update(check_at=1))
    await state(me, "paid")
    assert len(await db(charges, order)) == 1
    assert await db(Payment.objects.count) == 1


async def test_two_cards_pay_one_order_and_one_gets_its_money_back(
    show: Show, connect: Connect, server: Server
) -> None:
    """S13. The first card was said to be declined, and then was charged after all."""
    me = await connect((await db(show.buyer)).pk)
    order = await hold(me, show)
    first = await pay(me, order)
    payment = await db(Payment.objects.get)
    await db(settling.learned, payment.pk, Charge("failed", PRICE, "CNY"))
    version = (await state(me, "held"))["version"]
    second = await pay(me, order, version)
    for started in (second, first):
        await at_the_bank(server, started["redirect"])
    assert await refund_done(me) == PRICE
    assert len(await db(charges, order)) == 2
    backs = [await db(ledger.refunds, ref_of(one)) for one in (first, second)]
    assert [[back.reason for back in one] for one in backs] == [["duplicate"], []]
    uses = await db(lambda: sorted(p.use or "" for p in Payment.objects.all()))
    assert uses == ["order", "refund"]


async def test_a_refund_whose_answer_is_lost_is_given_once(
    show: Show, connect: Connect, server: Server
) -> None:
    """The bank gives the money back and does not say so; it is asked again."""
    me = await connect((await db(show.buyer)).pk)
    order = await hold(me, show)
    started = await pay(me, order)
    await at_the_bank(server, started["redirect"])
    await state(me, "paid")
    await db(dial.turn, Dial(cut=100, pending=True))
    await me.rpc("order.cancel", {"key": key(), "order": order})
    async with asyncio.timeout(10):
        while not await db(ledger.refunds, ref_of(started)):
            await asyncio.sleep(0.05)
    await db(dial.turn, Dial())
    await db(lambda: Refund.objects.update(check_at=1))
    assert await refund_done(me) == PRICE
    assert len(await db(ledger.refunds, ref_of(started))) == 1


async def test_a_slow_bank_holds_up_no_hold_that_nobody_pays(
    show: Show, connect: Connect
) -> None:
    me, other = [await connect(b.pk) for b in await db(show.buyers, 2)]
    slow = await hold(me, show)
    await pay(me, slow)
    quick = await hold(other, show)
    await db(dial.turn, Dial(cut=100, cut_ms=3000))
    await db(lambda: Order.objects.filter(id=slow).update(expires_at=1))
    async with asyncio.timeout(2):
        while not await db(dial.drawn):
            await asyncio.sleep(0.02)
    await db(lambda: Order.objects.filter(id=quick).update(expires_at=1))
    async with asyncio.timeout(1.5):
        await state(other, "expired")
    assert await db(lambda: Order.objects.get(id=slow).state) == "paying"


@pytest.mark.fault
@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
async def test_a_kill_around_the_commit_of_money_loses_and_doubles_nothing(
    show: Show, connect: Connect, spawn_server: Spawn, server: Server, point: str
) -> None:
    await db(dial.turn, Dial(drop=100))
    me = await connect((await db(show.buyer)).pk)
    started = await pay(me, await hold(me, show))
    moved = await db(ledger.move, ref_of(started), "succeeded")
    assert moved is not None and moved[1] is not None
    await db(lambda: Payment.objects.update(check_at=None))
    body, headers = signed(moved[0], moved[1], "payment_intent.succeeded")
    doomed = spawn_server(SOUK_FAILPOINTS=f"payments.{point}=kill@1")
    async with httpx.AsyncClient() as bank:
        with pytest.raises(httpx.HTTPError):
            url = f"{doomed.url}/webhooks/pay/bank"
            await bank.post(url, content=body, headers=headers)
        doomed.process.wait(10)
        doomed.kill()
        committed = await db(lambda: Payment.objects.get().state) == "settled"
        assert committed == (point == "after_commit")
        url = f"{server.url}/webhooks/pay/bank"
        answer = await bank.post(url, content=body, headers=headers)
        assert answer.status_code == 200
    order = await db(Order.objects.get)
    assert (order.state, order.version) == ("paid", 2)
    assert await db(Inbox.objects.filter(ref=ref_of(started)).count) == 1
