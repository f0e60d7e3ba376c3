"""What follows a click on "buy", by its pages: a buyer's phone, the shop's desk."""

import pytest
from playwright.sync_api import expect

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
    person.forgives = ["409", "503"]  # there is no picture, and none is missed
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


def test_an_order_from_the_click_to_the_money_back(show: Show, arrive: Arrive) -> None:
    buyer, shop = enter(arrive, "ada", phone=True), enter(arrive, "noor")
    order = buy(buyer, show)
    send(shop, show, order)

    buyer.sees(".receipt-head.shipped")
    buyer.sees(".parcel code", "SF123456")
    buyer.shoot("orders-02-on-its-way")
    buyer.find("[data-act=receive]").click()
    buyer.sees(".receipt-head.received")
    ask_for_money(buyer)
    give_it(shop)

    buyer.sees(".aftersale[data-aftersale=done]")
    buyer.sees("[data-refund=done]", "100.00")
    buyer.sees("[data-refund=done]", "5.00")
    buyer.shoot("orders-04-money-back")


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
    """Packed by mouse, sent by keyboard."""
    shop.page.goto(f"/shops/{show.shop}/orders")
    shop.find(".order-row", "ada").click()
    shop.sees(".desk-address", "Rua das Flores 12")
    shop.find("[data-act=pack]").click()
    shop.sees(".desk-sheet[data-state=packed]")
    shop.find("[data-act=ship]").press("Enter")
    expect(shop.find("[name=carrier]")).to_be_focused()
    shop.page.keyboard.type("SF Express")
    shop.page.keyboard.press("Tab")
    shop.page.keyboard.type("SF123456")
    shop.page.keyboard.press("Enter")
    shop.sees(".desk-sheet[data-state=shipped]")
    expect(shop.find(".desk-head h1")).to_be_focused()
    assert shop.page.url.endswith(order)


def ask_for_money(buyer: Person) -> None:
    buyer.find("[data-act=aftersale]").click()
    buyer.find("[data-kind=refund]").click()
    buyer.find("[name^=part-]").fill("1")
    buyer.find("[name=reason]").fill("One has a crack.")
    buyer.find("[data-act=ask]").click()
    buyer.sees(".aftersale[data-aftersale=asked]")


def give_it(shop: Person) -> None:
    """The desk has heard of it by itself; and ¥5 more, for the trouble."""
    shop.find("[data-pile=aftersales]").click()
    shop.find(".order-row", "ada").click()
    shop.sees(".aftersale", "One has a crack.")
    shop.shoot("orders-03-desk")
    shop.find("[data-act=accept]").click()
    shop.sees(".aftersale[data-aftersale=done]")
    shop.find("[data-act=refund]").click()
    shop.find("[name^=amount-]").fill("5")
    shop.find("[data-act=refund-now]").click()
    shop.sees("[data-refund=done]", "5.00")


def test_what_is_sold_out_is_waited_for_offered_and_bought(
    show: Show, arrive: Arrive
) -> None:
    first, second = enter(arrive, "ada"), enter(arrive, "lin", phone=True)
    first.page.goto(f"/rooms/{show.stream.pk}")
    first.find(".goods-row .buy").click()
    for _ in range(2):
        first.find("souk-checkout .stepper button >> nth=1").click()
    first.find("[data-act=hold]").click()
    first.sees(".hold-clock")

    second.page.goto(f"/rooms/{show.stream.pk}")
    second.find(".bar-bag").click()
    second.find(".goods-row .buy", "Wait").click()
    second.find("[data-act=wait-join]").click()
    second.sees(".hold.queue", "You are next")
    second.page.goto("/inbox")
    first.find("[data-act=give-back]").click()

    second.sees(".offered", "One came back")
    second.shoot("orders-05-offered")
    second.find("[data-act=take]").click()
    write_address(second, "PT")
    second.sees(".sums", "115.00")
    pay_at_the_bank(second)


def test_a_bag_is_bought_whole(show: Show, arrive: Arrive) -> None:
    buyer = enter(arrive, "ada", phone=True)
    buyer.page.goto(f"/rooms/{show.stream.pk}")
    buyer.find(".bar-bag").click()
    buyer.find(".goods-row .buy").click()
    buyer.find("[data-act=to-bag]").click()
    buyer.page.goto("/bag")
    buyer.sees(".top-bag .badge", "1")
    buyer.find(".bag-line .stepper button >> nth=1").click()
    expect(buyer.find(".bag-line output")).to_have_text("2")
    buyer.find("[data-act=check-out]").click()
    buyer.page.reload()
    write_address(buyer, "PT")
    buyer.sees(".sums", "215.00")
    buyer.shoot("orders-06-bag")
    pay_at_the_bank(buyer)
    buyer.page.goto("/bag")
    buyer.sees(".empty", "The bag is empty")
    assert buyer.page.locator(".bag-line").count() == 0
