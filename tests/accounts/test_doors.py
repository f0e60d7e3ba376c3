"""Sign-up, sign-in, sign-out and tickets, over HTTP as a browser does them."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from django.core.management import call_command

from accounts.models import User
from realtime.testing import Refused
from tests.live import Connect, Server, Spawn

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a-long-evening-of-tea"


@pytest.fixture
def browser(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


def post(browser: httpx.Client, path: str, **form: str) -> httpx.Response:
    if "csrftoken" not in browser.cookies:
        browser.get("/accounts/sign-in")
    headers = {"X-CSRFToken": browser.cookies["csrftoken"]}
    return browser.post(path, data=form, headers=headers)


def sign_up(browser: httpx.Client) -> User:
    answer = post(
        browser,
        "/accounts/sign-up",
        username="ann",
        name="Ann",
        password1=PASSWORD,
        password2=PASSWORD,
    )
    assert answer.status_code == 302, answer.text
    return User.objects.get(username="ann")


async def test_who_signs_up_gets_a_ticket_and_speaks_as_themselves(
    browser: httpx.Client, connect: Connect
) -> None:
    user = await asyncio.to_thread(sign_up, browser)
    ticket = post(browser, "/accounts/ticket").json()["ticket"]
    client = await connect(token=ticket)
    assert list(client.hello["subs"]) == [f"#{user.pk}"]


def test_a_ticket_needs_a_session(browser: httpx.Client) -> None:
    answer = post(browser, "/accounts/ticket")
    assert (answer.status_code, answer.json()) == (401, {"error": "unauthorized"})


def test_a_ticket_needs_the_page_s_own_token(browser: httpx.Client) -> None:
    sign_up(browser)
    assert browser.post("/accounts/ticket").status_code == 403


def test_a_wrong_password_and_an_unknown_name_look_alike(
    browser: httpx.Client,
) -> None:
    User.objects.create_user("known", password=PASSWORD)
    pages = [
        post(browser, "/accounts/sign-in", username=name, password="wrong").text
        for name in ("known", "knowm")
    ]
    assert "knowm" in pages[1]
    masked = [
        page.replace(name, "").split("errorlist")[1][:200]
        for page, name in zip(pages, ("known", "knowm"), strict=True)
    ]
    assert masked[0] == masked[1]


def test_the_sixth_password_for_an_account_within_a_minute_is_not_looked_at(
    browser: httpx.Client,
) -> None:
    User.objects.create_user("target", password=PASSWORD)
    for _ in range(5):
        post(browser, "/accounts/sign-in", username="target", password="wrong")
    answer = post(browser, "/accounts/sign-in", username="Target", password=PASSWORD)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"


def test_the_twenty_first_account_from_an_address_must_wait(server: Server) -> None:
    from_here = httpx.HTTPTransport(local_address="127.9.9.9")
    with httpx.Client(base_url=server.url, transport=from_here) as browser:
        codes = [
            post(browser, "/accounts/sign-up", username=f"bot{n}").status_code
            for n in range(21)
        ]
    assert codes == [200] * 20 + [429]


async def test_signing_out_ends_every_socket_of_the_account(
    browser: httpx.Client, connect: Connect
) -> None:
    user = await asyncio.to_thread(sign_up, browser)
    phone, laptop = await connect(user), await connect(user)
    await asyncio.to_thread(post, browser, "/accounts/sign-out")
    for device in (phone, laptop):
        assert (await device.wait_closed()).code == 4501


async def test_tokens_from_before_signing_out_let_nobody_in(
    browser: httpx.Client, connect: Connect
) -> None:
    user = await asyncio.to_thread(sign_up, browser)
    resume = (await connect(user)).hello["data"]["resume"]
    assert f"#{user.pk}" in (await connect(token=resume)).hello["subs"]
    unused = post(browser, "/accounts/ticket").json()["ticket"]
    await asyncio.to_thread(post, browser, "/accounts/sign-out")
    for token in (resume, unused):
        with pytest.raises(Refused) as refused:
            await connect(token=token)
        assert refused.value.code == 109
    assert await connect(user)  # who signs in again gets tokens that hold


async def test_a_closed_account_s_pass_lets_nobody_in(
    browser: httpx.Client, connect: Connect
) -> None:
    user = await asyncio.to_thread(sign_up, browser)
    resume = (await connect(user)).hello["data"]["resume"]
    await User.objects.filter(pk=user.pk).aupdate(is_active=False)
    with pytest.raises(Refused) as refused:
        await connect(token=resume)
    assert refused.value.code == 109


async def test_a_banned_account_s_sockets_end_and_nobody_comes_in_until_it_is_lifted(
    browser: httpx.Client, connect: Connect
) -> None:
    user = await asyncio.to_thread(sign_up, browser)
    client = await connect(user)
    resume = client.hello["data"]["resume"]
    await asyncio.to_thread(call_command, "ban", user.username)
    assert (await client.wait_closed()).code == 4500
    assert post(browser, "/accounts/ticket").status_code in (401, 403)
    with pytest.raises(Refused) as refused:
        await connect(token=resume)
    assert refused.value.code == 109
    await asyncio.to_thread(call_command, "ban", user.username, "--lift")
    with pytest.raises(Refused) as refused:
        await connect(token=resume)
    assert refused.value.code == 109
    assert await connect(user)


def test_one_click_takes_no_account_outside_a_demo(browser: httpx.Client) -> None:
    User.objects.create_user("lin")
    assert post(browser, "/accounts/demo", user="lin").status_code == 404


def test_one_click_takes_no_account_that_has_a_password(spawn_server: Spawn) -> None:
    User.objects.create_user("lin")
    User.objects.create_user("owner", password=PASSWORD)
    url = spawn_server(SOUK_DEMO="1").url
    with httpx.Client(base_url=url, trust_env=False) as browser:
        assert post(browser, "/accounts/demo", user="owner").status_code == 404
        assert post(browser, "/accounts/demo", user="lin").status_code == 302
        assert "ticket" in post(browser, "/accounts/ticket").json()
