"""What an order costs at an address, fixed while it is held."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from commerce.actions import orders, quotes, quoting
from commerce.actions.receipts import HISTORY, order_view
from commerce.commands.quotes import Quote, QuoteOrder
from commerce.fees import fee
from commerce.models import Address, Order, OrderChange, Payment, Product, Shop
from commerce.policies import Goods, Levy, TableTax, Tax
from commerce.states import OPEN
from realtime import db, once
from realtime.exceptions import CommandError
from realtime.testing import Refused
from tests.commerce.conftest import PRICE, Show, key
from tests.commerce.fulfilling import FEES, home, question, shipping_show
from tests.commerce.money_at_hand import after, begin, end_hold, hold, news, pay
from tests.commerce.test_buying import at_the_bank, state
from tests.commerce.test_race import body
from tests.live import Connect, Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def shop(transactional_db: None) -> Show:
    return shipping_show()


def ask(order: Order, address: int | None, **more: Any) -> Quote:
    """`order.quote`, as its handler does it."""
    return again(question(order, address, **more), order.buyer_id)


def again(command: QuoteOrder, user: int) -> Quote:
    return asyncio.run(quoting.quote(user, command))


def refused(order: Order, address: int | None, **more: Any) -> tuple[str, Any]:
    with pytest.raises(CommandError) as error:
        ask(order, address, **more)
    return error.value.name, error.value.data


class Taxing:
    """A policy that says what it is told to, or fails."""

    taxes: Sequence[Tax] = ()
    fails: Exception | None = None
    waits: float = 0

    async def quote(self, lines: Sequence[Goods], ship_to: str) -> list[Tax]:
        if self.fails:
            raise self.fails
        await asyncio.sleep(self.waits)
        return [Tax(lines[0].line, "VAT", 1900, 1881)] if ship_to == "DE" else []


class Failing(Taxing):
    fails = OSError("away")


class Slow(Taxing):
    waits = 60


class Forty:
    """Any coupon takes 40 % off."""

    async def discount(self, claim: int, buyer: int, lines: Sequence[Goods]) -> int:
        return sum(line.net for line in lines) * 2 // 5


class TooMuch:
    async def discount(self, claim: int, buyer: int, lines: Sequence[Goods]) -> int:
        return 10**9


def test_a_quote_fixes_what_is_to_be_paid(shop: Show) -> None:
    order = hold(shop)
    quote = ask(order, home(order.buyer_id))
    assert quote == Quote(
        goods=PRICE,
        discount=0,
        shipping=800,
        taxes=[],
        amount=PRICE + 800,
        currency="CNY",
        methods=["bank"],
        version=1,
    )
    order.refresh_from_db()
    assert (order.state, order.amount, order.version) == ("held", PRICE + 800, 1)
    assert order.address == {
        "address": 0,
        "name": "Ann",
        "phone": "+86 138-0000",
        "country": "CN",
        "region": "",
        "line": "1 Road",
        "is_default": False,
    }
    payment = pay(order)
    assert payment.amount == PRICE + 800
    assert news(payment.ref or "", amount=PRICE + 800) == 200
    assert after(order) == ("paid", 9)


def test_enough_goods_are_sent_for_nothing(shop: Show) -> None:
    order = hold(shop, qty=2)
    assert ask(order, home(order.buyer_id)).shipping == 0


def test_a_later_quote_replaces_the_earlier(shop: Show, settings: Settings) -> None:
    settings.SOUK_TAX_POLICY = f"{__name__}.Taxing"
    order = hold(shop)
    abroad = ask(order, home(order.buyer_id, "DE"))
    assert (abroad.shipping, abroad.amount) == (6000, PRICE + 6000 + 1881)
    assert [(tax.name, tax.amount) for tax in abroad.taxes] == [("VAT", 1881)]
    assert order.lines.get().tax == 1881
    near = ask(order, home(order.buyer_id))
    assert (near.amount, near.taxes, near.version) == (PRICE + 800, [], 2)
    assert order.lines.get().tax == 0
    order.refresh_from_db()
    assert (order.tax, order.taxes) == (0, [])


def test_the_order_keeps_its_copy_of_the_address(shop: Show) -> None:
    order = hold(shop)
    ask(order, home(order.buyer_id))
    Address.objects.all().delete()
    order.refresh_from_db()
    assert (order.address or {})["line"] == "1 Road"


def test_an_order_that_is_shipped_is_not_paid_without_an_address(shop: Show) -> None:
    order = hold(shop)
    with pytest.raises(CommandError, match="address_required"):
        begin(order)
    assert refused(order, None)[0] == "address_required"
    ask(order, home(order.buyer_id))
    order.refresh_from_db()
    begin(order)


def test_a_shop_that_ships_nothing_asks_for_no_address(show: Show) -> None:
    order = hold(show)
    quote = ask(order, None)
    assert (quote.amount, quote.version) == (PRICE, 1)
    order.refresh_from_db()
    assert order.address is None
    begin(order)


def test_an_address_that_is_not_served_keeps_the_hold(shop: Show) -> None:
    order = hold(shop)
    line = order.lines.get().pk
    far = home(order.buyer_id, "FR")
    facts = {"country": "FR", "lines": [line]}
    assert refused(order, far) == ("not_shippable", facts)
    Product.objects.filter(id=shop.product).update(ships_to=["CN"])
    facts = {"country": "DE", "lines": [line]}
    assert refused(order, home(order.buyer_id, "DE")) == ("not_shippable", facts)
    assert after(order) == ("held", 9)
    assert order.version == 0


def test_a_country_without_a_fee_in_the_currency_is_not_served(shop: Show) -> None:
    order = hold(shop)
    Shop.objects.update(shipping={"CN": {"fee": {"USD": 100}, "free_over": {}}})
    assert refused(order, home(order.buyer_id))[0] == "not_shippable"


def test_anothers_order_or_address_is_not_there(shop: Show) -> None:
    order, other = hold(shop), shop.buyer()
    assert refused(order, home(other)) == ("not_found", {})
    with pytest.raises(CommandError, match="not_found"):
        again(question(order, home(other)), other.pk)
    with pytest.raises(CommandError, match="not_found"):
        again(question(order, None), shop.host.pk)


def test_an_unknown_coupon_keeps_the_hold(shop: Show) -> None:
    order = hold(shop)
    where = home(order.buyer_id)
    assert refused(order, where, coupon=1) == ("coupon_refused", {"why": "unknown"})
    assert after(order) == ("held", 9)


def test_a_discount_is_taken_off_before_fees_and_taxes(
    shop: Show, settings: Settings
) -> None:
    settings.SOUK_COUPON_POLICY = f"{__name__}.Forty"
    order = hold(shop, qty=2)
    quote = ask(order, home(order.buyer_id), coupon=1)
    assert (quote.goods, quote.discount, quote.shipping) == (19800, 7920, 800)
    line = order.lines.get()
    assert (line.discount, line.net) == (7920, 11880)


def test_no_coupon_is_worth_more_than_the_goods(shop: Show, settings: Settings) -> None:
    settings.SOUK_COUPON_POLICY = f"{__name__}.TooMuch"
    order = hold(shop)
    assert refused(order, home(order.buyer_id), coupon=1)[0] == "coupon_refused"


@pytest.mark.parametrize("policy", ["Failing", "Slow"])
def test_taxes_nobody_can_tell_keep_the_hold(
    shop: Show, settings: Settings, policy: str
) -> None:
    settings.SOUK_TAX_POLICY = f"{__name__}.{policy}"
    order = hold(shop)
    assert refused(order, home(order.buyer_id)) == ("quote_failed", {})
    assert after(order) == ("held", 9)


def test_a_quote_after_its_time_or_its_payment_is_refused(shop: Show) -> None:
    order = hold(shop)
    where = home(order.buyer_id)
    ask(order, where)
    order.refresh_from_db()
    news(pay(order).ref or "", amount=PRICE + 800)
    assert refused(order, where) == ("wrong_state", {"state": "paid"})
    late = hold(shop)
    end_hold(late)
    assert refused(late, home(late.buyer_id))[0] == "hold_expired"
    orders.expire(late.pk)
    assert refused(late, home(late.buyer_id))[0] == "hold_expired"


def test_the_same_key_has_the_same_quote_for_ever(shop: Show) -> None:
    order = hold(shop)
    command = question(order, home(order.buyer_id))
    first = again(command, order.buyer_id)
    order.refresh_from_db()
    begin(order)
    assert again(command, order.buyer_id) == first
    order.refresh_from_db()
    assert order.version == 2


def test_paying_by_an_old_quote_tells_the_new_version(shop: Show) -> None:
    order = hold(shop)
    old = ask(order, home(order.buyer_id)).version
    new = ask(order, home(order.buyer_id, "DE")).version
    with pytest.raises(CommandError) as error:
        begin(order, version=old)
    assert (error.value.name, error.value.data) == ("conflict", {"version": new})


def test_what_was_worked_out_for_another_basis_is_not_written(shop: Show) -> None:
    """The order changed while its taxes were asked for: they are asked for again."""
    order = hold(shop)
    command = question(order, home(order.buyer_id))
    with pytest.raises(quotes.Unpriced) as first:
        once(
            order.buyer_id,
            command,
            Quote,
            partial(quotes.fix, order.buyer_id, command, None),
        )
    ask(order, home(order.buyer_id, "DE"))
    worked = quotes.Worked(basis=first.value.basis, discounts=[0], taxes=[])
    with pytest.raises(quotes.Unpriced):
        once(
            order.buyer_id,
            command,
            Quote,
            partial(quotes.fix, order.buyer_id, command, worked),
        )
    assert again(command, order.buyer_id).version == 2


async def test_a_duty_is_exact_above_its_limit_and_absent_below() -> None:
    """S30, its last part: the exact duty line."""
    table = TableTax(
        {
            "DE": [
                Levy(name="VAT", rate_bp=1900, categories={"books": 700, "free": 0}),
                Levy(name="Duty", rate_bp=1225, imports=True, over={"EUR": 15000}),
            ]
        }
    )

    def goods(net: int, category: str = "", *, imported: bool = True) -> Goods:
        return Goods(net, 1, category, 1, net, "EUR", imported)

    async def taxes(*lines: Goods) -> list[tuple[str, int, int]]:
        found = await table.quote(lines, "DE")
        return [(tax.name, tax.rate_bp, tax.amount) for tax in found]

    assert await taxes(goods(15000)) == [("VAT", 1900, 2850)]
    assert await taxes(goods(15001)) == [("VAT", 1900, 2850), ("Duty", 1225, 1838)]
    assert await taxes(goods(20000, "books", imported=False)) == [("VAT", 700, 1400)]
    assert await taxes(goods(9000, "free"), goods(9000, "books")) == [
        ("VAT", 700, 630),
        ("Duty", 1225, 1103),
        ("Duty", 1225, 1103),
    ]
    assert await table.quote([goods(20000)], "FR") == []


async def test_a_quote_races_a_payment_and_one_of_them_wins(connect: Connect) -> None:
    show = await db(shipping_show)
    buyer = await db(show.buyer)
    order = await db(hold, show, buyer)
    me = await connect(buyer.pk)
    near, far = await db(home, buyer), await db(home, buyer, "DE")
    first = await me.rpc("order.quote", body(question(order, near)))
    pay_it = {"key": key(), "order": str(order.pk), "method": "bank"}
    paying = asyncio.create_task(
        me.rpc("order.pay", {**pay_it, "version": first["version"]})
    )
    quoting = asyncio.create_task(me.rpc("order.quote", body(question(order, far))))
    await asyncio.wait({paying, quoting})
    paid, quoted = paying.exception(), quoting.exception()
    won = await me.rpc("order.get", {"order": str(order.pk)})
    unended = await db(Payment.objects.filter(state__in=OPEN).count)
    if won["state"] == "held":
        # The quote was first, or it ended the attempt and replaced the sum.
        assert paid is None or isinstance(paid, Refused) and paid.name == "conflict"
        assert (quoted, won["amount"], unended) == (None, PRICE + 6000, 0)
    else:
        assert isinstance(quoted, Refused) and paid is None
        assert (won["state"], won["amount"], unended) == ("paying", PRICE + 800, 1)


async def test_a_buyer_who_turns_back_from_the_bank_is_quoted_anew(
    connect: Connect, server: Server
) -> None:
    show = await db(shipping_show)
    buyer = await db(show.buyer)
    order = await db(hold, show, buyer)
    me = await connect(buyer.pk)
    near, far = await db(home, buyer), await db(home, buyer, "DE")
    pay_it = {"order": str(order.pk), "method": "bank"}
    quote = await me.rpc("order.quote", body(question(order, near)))
    first = await me.rpc(
        "order.pay", {"key": key(), **pay_it, "version": quote["version"]}
    )
    quote = await me.rpc("order.quote", body(question(order, far)))
    assert quote["amount"] == PRICE + 6000
    second = await me.rpc(
        "order.pay", {"key": key(), **pay_it, "version": quote["version"]}
    )
    await at_the_bank(server, second["redirect"])
    assert (await state(me, "paid"))["amount"] == PRICE + 6000
    attempts = Payment.objects.order_by("attempt").values_list("state", "amount")
    assert await db(lambda: list(attempts)) == [
        ("cancelled", PRICE + 800),
        ("settled", PRICE + 6000),
    ]
    assert first["redirect"] != second["redirect"]


async def test_bad_questions_are_refused_by_their_path(connect: Connect) -> None:
    show = await db(shipping_show)
    buyer = await db(show.buyer)
    me = await connect(buyer.pk)
    order = await db(hold, show, buyer)
    good = body(question(order, await db(home, buyer)))
    for wrong, path in (
        ({"order": "x"}, "$.order"),
        ({"address": 0}, "$.address"),
        ({"address": 1.5}, "$.address"),
        ({"country": "CN"}, "$"),
        ({"key": "a:b"}, "$.key"),
        ({"key": "k" * 65}, "$.key"),
    ):
        with pytest.raises(Refused) as error:
            await me.rpc("order.quote", {**good, **wrong})
        assert error.value.name == "bad_request", wrong
        assert str(error.value.data["path"]).startswith(path)


def test_fees_are_read_from_the_table() -> None:
    assert fee(FEES, "CN", "CNY", 19799) == 800
    assert fee(FEES, "CN", "CNY", 19800) == 0
    assert fee(FEES, "CN", "USD", 1) is None
    assert fee(FEES, "FR", "CNY", 1) is None


def test_an_order_shows_the_end_of_a_long_history(transactional_db: None) -> None:
    order = hold(shipping_show())
    OrderChange.objects.bulk_create(
        OrderChange(order=order, version=n, was="held", state="held", at=n)
        for n in range(1, HISTORY + 31)
    )
    Order.objects.filter(id=order.pk).update(version=HISTORY + 30)
    versions = [
        one.version for one in order_view(order.buyer_id, str(order.pk)).changes
    ]
    assert versions == list(range(31, HISTORY + 31))
