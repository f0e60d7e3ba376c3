"""What carriers tell of parcels, signed, once, in any order."""

import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from commerce.actions import parcels
from commerce.carriers import HEADER, News
from commerce.clock import now_ms
from commerce.models import Inbox, Order, Shipment
from commerce.providers.signing import sign
from tests.commerce.conftest import Show, key, open_show
from tests.commerce.fulfilling import paid
from tests.commerce.test_payments import told
from tests.commerce.test_shipping import ship

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.usefixtures("alone"),
]

SECRET = "carriers-secret"


@pytest.fixture(autouse=True)
def carriers(settings: Settings) -> None:
    settings.SOUK_CARRIERS = {"sf": SECRET, "ems": "another"}


def post(
    number: str = "SF1",
    text: str = "left Hangzhou",
    *,
    at: int = 1,
    event: str = "",
    delivered: bool = False,
    carrier: str = "sf",
    secret: str = SECRET,
    body: bytes = b"",
) -> int:
    news = News(id=event or key(), number=number, text=text, at=at, delivered=delivered)
    raw = body or msgspec.json.encode(news)
    client = Client(headers={HEADER: sign(secret, int(time.time()), raw)})
    url = f"/webhooks/ship/{carrier}"
    return int(client.post(url, raw, content_type="application/json").status_code)


def parcel_news() -> QuerySet[Inbox]:
    return Inbox.objects.filter(provider__startswith="ship:")


def seen(order: Order) -> list[str]:
    return [event["text"] for event in Shipment.objects.get(order=order).events]


def test_news_is_written_on_its_parcel_and_told_to_the_buyer(show: Show) -> None:
    order = paid(show)
    ship(show.host.pk, order)
    assert post("SF1", "in the van", at=2) == 200
    assert post("SF1", "left Hangzhou", at=1) == 200
    assert seen(order) == ["left Hangzhou", "in the van"]
    assert post("SF1", "handed over", at=3, delivered=True) == 200
    assert Shipment.objects.get().state == "delivered"
    assert "handed over" in told(order.buyer_id)[-1]
    assert post("SF1", "left Hangzhou, said late", at=1) == 200
    assert Shipment.objects.get().state == "delivered"
    order.refresh_from_db()
    assert order.state == "shipped"


def test_the_same_news_counts_once_even_ten_at_once(show: Show) -> None:
    order = paid(show)
    ship(show.host.pk, order)

    def send(_: int) -> int:
        try:
            return post(event="e1")
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(send, range(10))) == {200}
    assert seen(order) == ["left Hangzhou"]
    assert parcel_news().count() == 1


def test_news_before_its_parcel_waits_for_it(show: Show) -> None:
    order = paid(show)
    assert post() == 200
    assert parcel_news().get().handled_at is None
    ship(show.host.pk, order)
    assert seen(order) == ["left Hangzhou"]
    assert parcel_news().get().handled_at is not None


def test_news_that_came_beside_its_parcel_is_found_again(show: Show) -> None:
    order = paid(show)
    ship(show.host.pk, order)
    assert post("SF2") == 200
    Shipment.objects.update(number="SF2")
    assert parcels.forgotten() == [("sf", "SF2")]
    parcels.remember("sf", "SF2")
    assert (seen(order), parcels.forgotten()) == (["left Hangzhou"], [])


def test_news_of_unknown_parcels_does_not_hide_what_was_forgotten(show: Show) -> None:
    order = paid(show)
    ship(show.host.pk, order)
    for n in range(201):
        news = {"event_id": f"e{n}", "kind": "moving", "raw": b"{}"}
        Inbox.objects.create(
            provider="ship:sf", ref=f"AA{n}", received_at=now_ms(), **news
        )
    assert post("SF2") == 200
    Shipment.objects.update(number="SF2")
    with CaptureQueriesContext(connection) as asked:
        assert parcels.forgotten() == [("sf", "SF2")]
    assert len(asked) == 2  # the time, and the rows


def test_a_carrier_speaks_of_its_own_parcels_only(show: Show) -> None:
    order = paid(show)
    ship(show.host.pk, order)
    assert post(carrier="ems", secret="another") == 200
    assert seen(order) == []


def test_whoever_writes_a_number_down_first_takes_no_news_of_it(show: Show) -> None:
    thief, order = paid(open_show()), paid(show)
    assert post("SF1", "left Hangzhou") == 200
    ship(thief.shop.account_id, thief)
    assert post("SF1", "in the van", at=2) == 200
    ship(show.host.pk, order)
    assert seen(order) == ["left Hangzhou", "in the van"]
    assert post("SF1", "handed over", at=3, delivered=True) == 200
    for one in (thief, order):
        assert seen(one) == ["left Hangzhou", "in the van", "handed over"]


def test_news_of_an_old_parcel_is_not_of_a_new_one_with_its_number(show: Show) -> None:
    assert post("SF1", delivered=True) == 200
    Inbox.objects.update(received_at=now_ms() - parcels.OF_IT_MS - 1000)
    order = paid(show)
    ship(show.host.pk, order)
    assert seen(order) == []


def test_forged_or_broken_news_is_refused_and_not_kept(show: Show) -> None:
    ship(show.host.pk, paid(show))
    assert post(secret="guess") == 400
    assert post(carrier="ems") == 400
    assert post(body=b"{") == 400
    assert post(body=b'{"id":"\xff","number":"SF1","text":"x","at":1}') == 400
    assert post(body=b'{"id":"1","number":"SF1"}') == 400
    assert post(body=b'{"id":" ","number":"1","text":"x","at":1}') == 400
    assert post(body=b"x" * 300_000) == 413
    assert post(carrier="dhl") == 404
    unsigned = Client().post("/webhooks/ship/sf", b"{}", "application/json")
    assert unsigned.status_code == 400
    assert parcel_news().count() == 0


def test_a_parcel_shows_so_much_of_its_way_and_no_more(show: Show) -> None:
    order = paid(show)
    ship(show.host.pk, order)
    Shipment.objects.update(events=[{"at": n, "text": str(n)} for n in range(100)])
    assert post(at=1000) == 200
    assert seen(order)[0] == "1" and len(seen(order)) == parcels.MOST_EVENTS
