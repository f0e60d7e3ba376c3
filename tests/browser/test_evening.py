"""The evening: a show from its first picture to the receipt, in two real browsers."""

import pytest

from accounts.models import User
from tests.browser.people import Arrive, Person

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
PASSWORD = "a-long-evening-of-tea-42"


@pytest.fixture
def people(transactional_db: None) -> None:
    User.objects.create_user("noor", password=PASSWORD, name="Noor")
    User.objects.create_user("ada", password=PASSWORD, name="Ada")


def test_the_evening(people: None, arrive: Arrive) -> None:
    host, viewer = arrive("host"), arrive("viewer", phone=True)
    host.sign_in("noor", PASSWORD)
    viewer.sign_in("ada", PASSWORD)

    open_a_shop(host)
    studio = go_live(host)
    watch_and_talk(host, viewer)
    talk_in_private(host, viewer, studio)
    explain(host)
    order = buy(host, viewer)
    end(host, viewer)

    viewer.page.goto("/orders")
    viewer.sees(".order-row", "Paid")
    viewer.page.goto(order)
    viewer.sees("[data-state], .receipt-head.paid")
    viewer.shoot("evening-10-order-afterwards")


def open_a_shop(host: Person) -> None:
    """A shop, a product with a price, three pieces of it."""
    host.page.goto("/studio")
    host.find("souk-shop input[name=name]").fill("Noor Pottery")
    host.find("souk-shop form button").click()
    host.find(".shop-head [data-act=add]").click()
    host.find("input[name=title][maxlength='80']").fill("Tea bowl, ash glaze")
    host.find("input[name=price-CNY]").fill("99.00")
    host.find("input[name=received]").fill("3")
    host.find(".product-form button").click()
    host.sees(".own-row", "Tea bowl")
    host.shoot("evening-01-shop")


def go_live(host: Person) -> str:
    """The studio's address, with the show on the air and the bowl on the shelf."""
    host.find(".new-show input").fill("Autumn glazes, straight from the kiln")
    host.find(".new-show button").click()
    host.find("souk-stall [data-act=add]").click()
    host.sees("souk-stall .goods-row", "Tea bowl")
    host.find("[data-act=live]").click()
    host.sees(".chip.live")
    return host.page.url


def watch_and_talk(host: Person, viewer: Person) -> None:
    viewer.page.goto("/")
    viewer.shoot("evening-02-home")
    viewer.find(".room-card", "Autumn glazes").click()
    viewer.decodes(60)
    viewer.find("souk-bar input").fill("Is the bowl safe for the oven?")
    viewer.find("souk-bar .bar-send").click()
    host.sees("souk-comments .comment", "safe for the oven")
    viewer.sees("souk-comments .comment.mine", "safe for the oven")
    host.find("souk-bar input").fill("Up to 200 degrees!")
    host.find("souk-bar .bar-send").click()
    viewer.sees("souk-comments .comment.by-host", "200 degrees")


def talk_in_private(host: Person, viewer: Person, studio: str) -> None:
    """A message to the host from the room, and an answer. The show goes on."""
    room = viewer.page.url
    viewer.find("button.host-pill").click()
    viewer.find("[data-act=message]").click()
    viewer.find(".thread-write textarea").fill("Do you ship to Lisbon?")
    viewer.find(".thread-write button").click()
    viewer.sees(".message.mine:not(.pending)", "Lisbon")
    answering = host.context.new_page()
    answering.goto("/inbox")
    answering.locator(".tab").nth(1).click()
    answering.locator(".talk-row").first.click()
    answering.locator(".message", has_text="Lisbon").wait_for()
    answering.locator(".thread-write textarea").fill("Every Thursday.")
    answering.locator(".thread-write button").click()
    viewer.sees(".message:not(.mine)", "Every Thursday")
    viewer.sees(".tick.read")
    viewer.shoot("evening-03-message")
    answering.close()
    assert host.page.url == studio
    viewer.page.goto(room)
    viewer.decodes(10)


def explain(host: Person) -> None:
    host.find("souk-stall [data-act=explain]").click()
    host.sees("souk-stall .goods-row.explained")


def buy(host: Person, viewer: Person) -> str:
    """The order's address. Both screens show one piece less than before."""
    viewer.sees(".deal", "3 left")
    host.sees("souk-stall .stock", "3 left")
    viewer.shoot("evening-04-room")
    viewer.find(".deal .buy").click()
    viewer.find("[data-act=hold]").click()
    viewer.sees(".hold-clock")
    viewer.shoot("evening-05-held")
    viewer.find("[data-act=pay]").click()
    viewer.find("button[value=pay]").wait_for()
    viewer.shoot("evening-06-bank")
    viewer.find("button[value=pay]").click()
    viewer.sees(".receipt-head.paid", "Thank you")
    viewer.shoot("evening-07-receipt")
    order = viewer.page.url
    viewer.find("souk-order .button.plain").click()
    viewer.sees(".deal", "2 left")
    host.sees("souk-stall .stock", "2 left")
    host.sees("souk-sales .sold-line", "1 sold")
    host.shoot("evening-08-studio")
    return order


def end(host: Person, viewer: Person) -> None:
    host.find("[data-act=end]").click()
    host.find("[data-act=end-sure]").click()
    host.sees(".studio-over")
    viewer.sees(".curtain", "over")
    viewer.shoot("evening-09-ended")
