"""What follows a click on "buy", by its pages: a buyer's phone, the shop's desk."""

import pytest

from commerce.models import Shop
from tests.browser.people import Arrive, Person
from tests.commerce.conftest import Show, open_show

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
PASSWORD = "a-long-evening-of-tea-42"


@pytest.fixture
def site(counter: str) -> str:
    """No picture is needed here."""
    return counter


@pytest.fixture
def show(transactional_db: None) -> Show:
    """Three cups at ¥100 that are sent to Portugal for ¥15; ada and lin buy."""
    made = open_show(left=3, price=10_000)
    fees = {"PT": {"fee": {"CNY": 1500}}}
    Shop.objects.filter(id=made.shop).update(shipping=fees)
    buyer, other = made.buyers(2)
    for user, name in ((made.host, "noor"), (buyer, "ada"), (other, "lin")):
        user.username = user.name = name
        user.set_password(PASSWORD)
        user.save()
    return made


def enter(arrive: Arrive, name: str, *, phone: bool = False) -> Person:
    person = arrive(name, phone=phone)
    person.forgives = ["409", "404"]  # there is no picture, and none is missed
    person.sign_in(name, PASSWORD)
    return person


def write_address(buyer: Person, country: str) -> None:
    form = buyer.find(".address-form")
    form.locator("[name=name]").fill("Ada Lovelace")
    form.locator("[name=phone]").fill("+351 912 345 678")
    form.locator("[name=line]").fill("Rua das Flores 12, Lisboa")
    form.locator("[name=country]").select_option(country)
    buyer.find("[data-act=save-address]").click()


def pay_at_the_bank(buyer: Person) -> str:
    """The order's id."""
    buyer.find("[data-act=pay]").click()
    buyer.find("button[value=pay]").click()
    buyer.sees(".receipt-head.paid")
    return buyer.page.url.rsplit("/", 1)[1]


def test_an_order_goes_from_the_click_to_the_door(show: Show, arrive: Arrive) -> None:
    buyer, shop = enter(arrive, "ada", phone=True), enter(arrive, "noor")
    order = buy(buyer, show)
    send(shop, show, order)

    buyer.sees(".receipt-head.shipped")
    buyer.sees(".parcel code", "SF123456")
    buyer.shoot("orders-02-on-its-way")
    buyer.find("[data-act=receive]").click()
    buyer.sees(".receipt-head.received")


def buy(buyer: Person, show: Show) -> str:
    """Two cups, first to a country that the shop does not ship to."""
    buyer.page.goto(f"/rooms/{show.stream.pk}")
    buyer.find(".bar-bag").click()
    buyer.find(".goods-row .buy").click()
    buyer.find("souk-checkout .stepper button >> nth=1").click()
    buyer.find("[data-act=hold]").dblclick()
    write_address(buyer, "FR")
    buyer.sees(".wrong", "France")
    buyer.find(".choice button").click()
    write_address(buyer, "PT")
    buyer.sees(".sums", "215.00")
    buyer.shoot("orders-01-quote")
    return pay_at_the_bank(buyer)


def send(shop: Person, show: Show, order: str) -> None:
    shop.page.goto(f"/shops/{show.shop}/orders")
    shop.find(".order-row", "ada").click()
    shop.sees(".desk-address", "Rua das Flores 12")
    shop.find("[data-act=pack]").click()
    shop.sees(".desk-sheet[data-state=packed]")
    shop.find("[data-act=ship]").click()
    shop.find("[name=carrier]").fill("SF Express")
    shop.find("[name=number]").fill("SF123456")
    shop.find("[data-act=ship-now]").click()
    shop.sees(".desk-sheet[data-state=shipped]")
    assert shop.page.url.endswith(order)
