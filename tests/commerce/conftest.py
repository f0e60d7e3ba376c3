"""A shop on air: one host, one show, one product; and the audit after each test."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from commerce.actions import catalog, counting, shelf
from commerce.actions.deciding import Wish
from commerce.audit import findings
from commerce.commands.catalog import CreateShop, SaveProduct, SkuDraft
from commerce.commands.orders import Expect, PlaceOrder, Via
from commerce.commands.shelf import AddItem, OfferDraft
from commerce.commands.stock import ReceiveStock
from commerce.models import Offer, Product, Stock
from realtime.answered import digest_of
from streams.models import Stream

PRICE = 9900


def key() -> str:
    return uuid.uuid4().hex


@dataclass
class Show:
    """A live show of `host` with one item on its shelf, `left` units of it."""

    host: User
    stream: Stream
    shop: int
    product: int
    sku: int
    number: int
    offer: int
    stock: int
    people: int = field(default=0)

    def buyers(self, count: int) -> list[User]:
        """New people who may buy."""
        first = self.people
        self.people += count
        return User.objects.bulk_create(
            User(username=f"buyer-{self.stream.pk}-{n}", name=f"小{n}")
            for n in range(first, self.people)
        )

    def buyer(self) -> User:
        return self.buyers(1)[0]

    def order(self, qty: int = 1, *, key: str = "", amount: int = -1) -> PlaceOrder:
        return PlaceOrder(
            key=key or uuid.uuid4().hex,
            offer=self.offer,
            qty=qty,
            via=Via(kind="stream", id=self.stream.pk),
            expect=Expect(amount=PRICE * qty if amount < 0 else amount, currency="CNY"),
        )

    def wish(self, buyer: User, qty: int = 1, *, key: str = "") -> Wish:
        command = self.order(qty, key=key)
        return Wish(buyer.pk, digest_of(command), command)

    @property
    def left(self) -> int:
        return Stock.objects.get(id=self.stock).available


def open_show(
    *,
    left: int = 10,
    per_buyer: int | None = None,
    hold_s: int = 300,
    price: int = PRICE,
) -> Show:
    host = User.objects.create(username=f"host-{key()[:8]}", name="Mei")
    stream = Stream.objects.create(
        host=host, title="Cups", state=Stream.State.LIVE, started_at=Now()
    )
    with transaction.atomic():
        shop = catalog.create_shop(
            host.pk,
            CreateShop(
                key=key(),
                name="Cups & Co",
                country="CN",
                currencies=["CNY"],
                methods=["bank"],
            ),
        ).shop
        saved = catalog.save_product(
            host.pk,
            SaveProduct(
                key=key(),
                shop=shop,
                title="Cup",
                skus=[SkuDraft(code="red", prices={"CNY": price})],
            ),
        )
        Product.objects.update(state=Product.State.LISTED)
        if left:
            counting.receive_stock(
                host.pk, ReceiveStock(key=key(), sku=saved.skus[0], qty=left)
            )
        added = shelf.add_item(
            host.pk,
            AddItem(
                key=key(),
                stream=stream.pk,
                product=saved.product,
                offers=[
                    OfferDraft(sku=saved.skus[0], per_buyer=per_buyer, hold_s=hold_s)
                ],
            ),
        )
    stream.refresh_from_db()
    return Show(
        host=host,
        stream=stream,
        shop=shop,
        product=saved.product,
        sku=saved.skus[0],
        number=added.number,
        offer=added.offers[0],
        stock=Offer.objects.get(id=added.offers[0]).stock_id,
    )


@pytest.fixture
def show(transactional_db: None) -> Show:
    return open_show()


@pytest.fixture(autouse=True)
def audited(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did to the rows, the books balance after it."""
    has_rows = request.node.get_closest_marker("django_db") is not None
    if has_rows:
        request.getfixturevalue("transactional_db")
    yield
    if has_rows and "breaks_books" not in request.fixturenames:
        assert [str(finding) for finding in findings()] == []


@pytest.fixture
def breaks_books() -> None:
    """A test that breaks an invariant by hand, for the audit to find."""
