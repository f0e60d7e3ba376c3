"""Another's object is answered as one that never was, generated from the registry.

For each command of the money path and each field of it that is a `Ref`, whoever has no
right there asks with an id that exists and with one that never did: the answers are the
same but for the id, no row changes, nobody is told. Each command then succeeds for whom
it is for, so nothing passes by being broken. What is public by its id (a shop, a show)
may be told of; changed it may not be.
"""

import json
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from django.apps import apps

from accounts.models import User
from commerce.actions import settling, waits
from commerce.commands.bags import JoinQueue
from commerce.commands.shipping import MarkPaid
from commerce.models import AfterSale, Order, Product, Refund, Shop, ShopMember
from config.protocol import router
from realtime import Mutation, Ref, db
from realtime.models import OutboxEvent
from realtime.testing import LiveClient, Refused
from tests.commerce.conftest import PRICE, Show, key, open_show
from tests.commerce.fulfilling import FEES, home, paid
from tests.commerce.goods_at_hand import put_out
from tests.commerce.money_at_hand import begin, hold
from tests.commerce.test_aftersales import decide, opened, send_back
from tests.commerce.test_refunds import give
from tests.commerce.test_shelf import act
from tests.commerce.test_shipping import ship
from tests.live import Connect, suspended

pytestmark = pytest.mark.django_db(transaction=True)

Path = tuple[str | int, ...]
Body = dict[str, Any]
NEVER = 7_777_777
NEVER_UUID = "01234567-89ab-7def-8123-456789abcdef"


@dataclass
class Shopful:
    """A shop on air, and on demand one thing of each kind in it."""

    show: Show
    buyer: User

    @cached_property
    def held(self) -> Order:
        return hold(self.show, self.buyer)

    @cached_property
    def to_quote(self) -> Order:
        order = self.held
        Shop.objects.filter(id=self.show.shop).update(shipping=FEES)
        return order

    @cached_property
    def by_hand(self) -> Order:
        Shop.objects.filter(id=self.show.shop).update(methods=["manual"])
        begin(self.held, method="manual")
        return self.held

    @cached_property
    def refund(self) -> Refund:
        wish = MarkPaid(key=key(), order=str(self.by_hand.pk))
        act(settling.mark_paid, self.show.host, wish)
        return Refund.objects.get(id=give(self.by_hand, 100).refund)

    @cached_property
    def paid(self) -> Order:
        return paid(self.show, buyer=self.buyer)

    @cached_property
    def parcel(self) -> int:
        return ship(self.show.host.pk, self.paid)

    @cached_property
    def sent(self) -> Order:
        _ = self.parcel
        return self.paid

    @cached_property
    def asked(self) -> AfterSale:
        return opened(self.sent, "return")

    @cached_property
    def accepted(self) -> AfterSale:
        decide(self.show.host.pk, self.asked)
        return self.asked

    @cached_property
    def coming(self) -> AfterSale:
        send_back(self.buyer.pk, self.accepted)
        return self.asked

    @cached_property
    def address(self) -> int:
        return home(self.buyer)

    @cached_property
    def wait(self) -> int:
        sold_out = put_out(self.show, left=0)
        wish = JoinQueue(key=key(), offer=sold_out.offer, qty=1)
        place: int = act(waits.join, self.buyer, wish).wait
        return place

    @cached_property
    def version(self) -> int:
        return Product.objects.get(id=self.show.product).version

    def line(self, order: Order) -> int:
        return order.lines.get().pk


@dataclass
class Lawful:
    """How a command is used well, and by whom. `denied`: roles that have no part."""

    body: Callable[[Shopful], Body]
    by: str = "buyer"
    denied: tuple[str, ...] = ()


SERVICE = ("service",)
CLERK = ("service", "clerk")
ALL = ("service", "clerk", "manager")


def shops(body: Callable[[Shopful], Body], denied: tuple[str, ...] = ()) -> Lawful:
    return Lawful(body, "host", denied)


CASES: dict[str, Lawful] = {
    "address.save": Lawful(
        lambda s: {
            "address": s.address,
            "name": "Bo",
            "phone": "123456",
            "country": "DE",
            "line": "2 Road",
        }
    ),
    "address.drop": Lawful(lambda s: {"address": s.address}),
    "aftersale.open": Lawful(
        lambda s: {
            "order": str(s.sent.pk),
            "kind": "return",
            "lines": [{"line": s.line(s.sent), "qty": 1}],
            "reason": "cracked",
        }
    ),
    "aftersale.sent": Lawful(
        lambda s: {"aftersale": s.accepted.pk, "carrier": "sf", "number": "1"}
    ),
    "aftersale.withdraw": Lawful(lambda s: {"aftersale": s.asked.pk}),
    "aftersale.decide": shops(lambda s: {"aftersale": s.asked.pk, "accept": True}),
    "aftersale.received": shops(lambda s: {"aftersale": s.coming.pk, "restock": True}),
    "insight.stream": shops(lambda s: {"stream": s.show.stream.pk}),
    "offer.price": shops(
        lambda s: {"offer": s.show.offer, "prices": {"CNY": 1}}, CLERK
    ),
    "order.get": Lawful(lambda s: {"order": str(s.held.pk)}),
    "order.quote": Lawful(
        lambda s: {"order": str(s.to_quote.pk), "address": s.address}
    ),
    "order.pay": Lawful(
        lambda s: {"order": str(s.held.pk), "version": 0, "method": "bank"}
    ),
    "order.cancel": Lawful(lambda s: {"order": str(s.held.pk)}),
    "order.mark_paid": shops(lambda s: {"order": str(s.by_hand.pk)}),
    "order.pack": shops(lambda s: {"order": str(s.paid.pk)}, SERVICE),
    "order.ship": shops(
        lambda s: {
            "order": str(s.paid.pk),
            "carrier": "sf",
            "number": "1",
            "lines": [{"line": s.line(s.paid), "qty": 1}],
        },
        SERVICE,
    ),
    "order.receive": Lawful(lambda s: {"order": str(s.sent.pk)}),
    "order.shop": shops(lambda s: {"shop": s.show.shop}),
    "product.save": shops(
        lambda s: {
            "shop": s.show.shop,
            "product": s.show.product,
            "version": s.version,
            "title": "Mug",
            "skus": [{"sku": s.show.sku, "code": "red", "prices": {"CNY": PRICE}}],
        },
        CLERK,
    ),
    "product.state": shops(
        lambda s: {"product": s.show.product, "state": "delisted"}, CLERK
    ),
    "refund.create": shops(
        lambda s: {
            "order": str(s.paid.pk),
            "lines": [{"line": s.line(s.paid), "amount": 1}],
        }
    ),
    "refund.mark_done": shops(lambda s: {"refund": str(s.refund.pk)}),
    "shelf.explain": shops(
        lambda s: {"stream": s.show.stream.pk, "number": s.show.number, "on": True},
        ALL,
    ),
    "shelf.remove": shops(
        lambda s: {"stream": s.show.stream.pk, "number": s.show.number}, ALL
    ),
    "shipment.fix": shops(
        lambda s: {"shipment": s.parcel, "carrier": "yto", "number": "2"}, SERVICE
    ),
    "shop.member": shops(
        lambda s: {"shop": s.show.shop, "user": s.buyer.pk, "role": "clerk"}, ALL
    ),
    "shop.update": shops(lambda s: {"shop": s.show.shop, "name": "New"}, CLERK),
    "stock.adjust": shops(
        lambda s: {"sku": s.show.sku, "delta": -1, "reason": "lost"}, SERVICE
    ),
    "stock.ledger": shops(lambda s: {"sku": s.show.sku}, SERVICE),
    "stock.receive": shops(lambda s: {"sku": s.show.sku, "qty": 1}, SERVICE),
    "wait.leave": Lawful(lambda s: {"wait": s.wait}),
}
ANYBODYS = {
    "bag.put",
    "bag.checkout",
    "order.place",
    "product.get",
    "shelf.get",
    "shelf.add",
    "shop.get",
    "wait.join",
}
"""By public ids, whoever may watch; `shelf.add` has tests of its own."""


def refs(kind: Any) -> Iterator[tuple[Path, Ref]]:
    """Every path in a command to an identifier."""
    if get_origin(kind) is Annotated:
        inner, *marks = get_args(kind)
        found = [mark for mark in marks if isinstance(mark, Ref)]
        yield from (((), mark) for mark in found)
        yield from () if found else refs(inner)
    elif get_origin(kind) in (Union, types.UnionType):
        for one in get_args(kind):
            yield from refs(one)
    elif get_origin(kind) is list:
        for path, mark in refs(get_args(kind)[0]):
            yield (0, *path), mark
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for name, one in get_type_hints(kind, include_extras=True).items():
            for path, mark in refs(one):
                yield (name, *path), mark


METHODS = {
    handler.method: handler.command
    for handler in router.methods()
    if handler.command.__module__.startswith("commerce.") and any(refs(handler.command))
}


def test_every_command_with_an_identifier_has_its_case() -> None:
    assert set(METHODS) == {*CASES, *ANYBODYS}


def at(body: Any, path: Path) -> Any:
    for step in path:
        body = body[step]
    return body


def has(body: Any, path: Path) -> bool:
    try:
        at(body, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def replaced(body: Body, path: Path, value: Any) -> Body:
    made: Body = json.loads(json.dumps(body))
    at(made, path[:-1])[path[-1]] = value
    return made


def rows() -> dict[str, list[Any]]:
    """All there is of shops, orders and money, every answer kept, every push."""
    labels = ("commerce", "realtime")
    return {
        model.__name__: list(model._default_manager.order_by("pk").values_list())
        for label in labels
        for model in apps.get_app_config(label).get_models()
    }


async def told(client: LiveClient, method: str, body: Body) -> str:
    """The answer's bytes; what the caller asked with is not part of them."""
    if issubclass(METHODS[method], Mutation):
        body = {**body, "key": key()}
    try:
        return json.dumps(await client.rpc(method, body))
    except Refused as refused:
        assert refused.name != "internal"
        return f"refused {refused.code} {refused.name} {json.dumps(refused.data)}"


def prepare(method: str) -> tuple[Shopful, Body, Body, dict[str, User]]:
    """Two shops, a lawful body in each, and people without a right in the first."""
    with suspended():
        ours, theirs = (
            Shopful(show, show.buyer()) for show in (open_show(), open_show())
        )
        bodies = [CASES[method].body(one) for one in (ours, theirs)]
        stranger, other, demoted = ours.show.buyers(3)
        hold(ours.show, other)
        was = ShopMember.objects.create(
            shop_id=ours.show.shop, user=demoted, role="manager"
        )
        was.delete()
        # What the clock would do meanwhile.
        Order.objects.filter(paid_at__gt=0).update(announced_at=1)
        Refund.objects.update(state="sent", check_at=None)
        OutboxEvent.objects.all().delete()
    people = {
        "a stranger": stranger,
        "another buyer": other,
        "another shop's staff": theirs.show.host,
        "a demoted manager": demoted,
    }
    return ours, bodies[0], bodies[1], people


def hire(shop: int, user: User, role: str) -> None:
    ShopMember.objects.update_or_create(
        shop_id=shop, user=user, defaults={"role": role}
    )


@pytest.mark.parametrize("method", sorted(CASES))
async def test_what_is_anothers_is_answered_as_what_never_was(
    method: str, connect: Connect
) -> None:
    ours, body, theirs, people = await db(prepare, method)
    before = await db(rows)
    fields = [(p, ref) for p, ref in refs(METHODS[method]) if has(body, p)]
    assert fields
    for who, user in people.items():
        client = await connect(user)
        for path, ref in fields:
            never = NEVER_UUID if isinstance(at(body, path), str) else NEVER
            foreign = await told(client, method, body)
            assert foreign.startswith("refused"), f"{who} did it"
            if not ref.public:
                missing = await told(client, method, replaced(body, path, never))
                assert foreign == missing, f"{who} by {path}"
        await client.close()
    lawful = ours.buyer if CASES[method].by == "buyer" else ours.show.host
    client = await connect(lawful)
    for path, ref in fields:
        never = NEVER_UUID if isinstance(at(body, path), str) else NEVER
        foreign = await told(client, method, replaced(body, path, at(theirs, path)))
        assert foreign.startswith("refused"), f"{lawful} by {path}"
        if not ref.public:
            missing = await told(client, method, replaced(body, path, never))
            assert foreign == missing, f"{lawful} by {path}"
    for role in CASES[method].denied:
        clerk = people["a stranger"]
        await db(hire, ours.show.shop, clerk, role)
        hired = await connect(clerk)
        assert (await told(hired, method, body)).startswith("refused"), f"a {role} did"
        await hired.close()
    await db(ShopMember.objects.filter(user=people["a stranger"]).delete)
    assert await db(rows) == before
    assert not (await told(client, method, body)).startswith("refused")
