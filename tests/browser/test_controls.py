"""Whatever can be pressed has a name, room for a thumb, and answers to the keyboard."""

from typing import NamedTuple

import pytest

from accounts.models import User
from chat.models import Conversation, Member, Message
from commerce.models import Order, Product, Shipment, Shop, ShopMember
from streams.models import Stream
from tests.browser.people import Arrive, Person
from tests.live import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
PASSWORD = "a-long-evening-of-tea-42"
FAULTS = """() => [...document.querySelectorAll(
    "button, a[href], input:not([type=hidden]), textarea, select, summary")]
  .filter((one) => one.checkVisibility({visibilityProperty: true})
    && !one.closest(".skip, p, .visually-hidden"))
  .map((one) => {
    const {width, height} = one.getBoundingClientRect();
    const labels = [...(one.labels ?? [])].map((label) => label.textContent);
    const name = [one.ariaLabel, one.textContent, ...labels].join("").trim();
    const small = width < 43.5 || height < 43.5;
    return [name ? "" : "no name", small ? `${width}x${height}` : "", one.outerHTML];
  })
  .filter(([unnamed, small]) => unnamed || small)"""


class Show(NamedTuple):
    """A show whose picture never comes, its host's shop with an order, a talk."""

    stream: int
    conversation: int
    shop: int
    order: str


@pytest.fixture
def site(able: None, server: Server) -> str:
    """No picture is needed here: the session's web process is enough."""
    return server.url


@pytest.fixture
def show(transactional_db: None) -> Show:
    host = User.objects.create_user("noor", password=PASSWORD, name="Noor")
    guest = User.objects.create_user("ada", password=PASSWORD, name="Ada")
    shop = Shop.objects.create(
        account=host, name="N", country="CN", currencies=["CNY"], methods=["bank"]
    )
    ShopMember.objects.create(shop=shop, user=host, role="owner")
    Product.objects.create(shop=shop, title="Tea bowl", state="listed")
    conversation = Conversation.objects.create(
        kind="direct", direct_key=f"{host.pk}:{guest.pk}", head_seq=1, head_rev=1
    )
    for user in (host, guest):
        Member.objects.create(conversation=conversation, user=user)
    Message.objects.create(
        conversation=conversation,
        seq=1,
        rev=1,
        sender=guest,
        key="k",
        digest=b"",
        text="Hi",
    )
    stream = Stream.objects.create(host=host, title="Glazes", state="live")
    order = Order.objects.create(
        shop=shop,
        buyer=host,
        key="k",
        digest=b"",
        state="shipped",
        currency="CNY",
        goods=100,
        amount=100,
        via_kind="stream",
        via_id=stream.pk,
        stream=stream,
        placed_at=1,
        paid_at=2,
        hold_until=3,
    )
    Shipment.objects.create(order=order, carrier="EMS", number="E1", lines=[], at=4)
    return Show(stream.pk, conversation.pk, shop.pk, str(order.pk))


def faults(person: Person, address: str, ready: str) -> list[list[str]]:
    person.page.goto(address)
    person.sees(ready)
    found: list[list[str]] = person.page.evaluate(FAULTS)
    return [[address, *fault] for fault in found]


@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desk"])
def test_every_control_has_a_name_and_room_for_a_thumb(
    show: Show, arrive: Arrive, phone: bool
) -> None:
    host = arrive("host", phone=phone)
    host.forgives = ["409"]
    found = faults(host, "/accounts/sign-in", "input[name=password]")
    host.sign_in("noor", PASSWORD)
    for address, ready in (
        ("/", ".room-card"),
        (f"/rooms/{show.stream}", "souk-bar input"),
        ("/studio", ".shop-head"),
        (f"/studio/{show.stream}", "souk-bar input"),
        ("/inbox", ".talk-row"),
        (f"/inbox/{show.conversation}", ".message"),
        ("/orders", ".order-row"),
        (f"/orders/{show.order}", "[data-act=receive]"),
        ("/bag", ".empty"),
        (f"/shops/{show.shop}/orders", ".desk-tabs"),
        (f"/shops/{show.shop}/orders/{show.order}", "[data-act=fix]"),
    ):
        found += faults(host, address, ready)

    assert found == []


def test_the_shelf_opens_and_closes_by_keyboard(show: Show, arrive: Arrive) -> None:
    viewer = arrive("viewer", phone=True)
    viewer.forgives = ["409"]
    viewer.page.goto(f"/rooms/{show.stream}")
    viewer.find(".bar-bag").focus()

    viewer.page.keyboard.press("Enter")
    viewer.sees("dialog[open]")
    viewer.page.keyboard.press("Escape")
    viewer.page.locator("dialog[open]").wait_for(state="detached")

    assert viewer.find(".bar-bag").evaluate("(one) => one === document.activeElement")


def test_a_chinese_phone_is_spoken_to_in_chinese(show: Show, arrive: Arrive) -> None:
    viewer = arrive("viewer", phone=True, locale="zh-CN")
    viewer.forgives = ["409"]
    viewer.page.goto(f"/rooms/{show.stream}")

    viewer.sees(".bar-sign-in", "登录后参与互动")
    viewer.sees(".room-follow button", "关注")
