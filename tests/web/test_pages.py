"""Every page as a document: its language, its headers, its doors."""

import json
import re
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from commerce import errors
from commerce.models import AfterSale, Refund, Shipment
from commerce.providers import NAMES
from commerce.states import AFTER_SALES, CHANGES
from web.words import WORDS

pytestmark = pytest.mark.django_db
CLIENT = Path(__file__).parents[2] / "web" / "client"
TEMPLATES = Path(__file__).parents[2] / "web" / "templates"


def test_home_speaks_the_browser_s_language(client: Client) -> None:
    english = client.get("/", headers={"accept-language": "en-GB"})
    chinese = client.get("/", headers={"accept-language": "zh-CN,zh;q=0.9"})

    assert "Live now" in english.content.decode()
    assert 'lang="zh-Hans"' in chinese.content.decode()
    assert "正在直播" in chinese.content.decode()


def test_a_chosen_language_wins_over_the_browser_s(client: Client) -> None:
    answer = client.post("/language", {"language": "zh-hans", "next": "/"})
    assert answer.status_code == 302

    page = client.get("/", headers={"accept-language": "en"})

    assert 'lang="zh-Hans"' in page.content.decode()


def test_every_page_carries_the_policy_and_only_the_studio_the_camera(
    client: Client,
) -> None:
    home, studio = client.get("/"), client.get("/studio")

    for page in (home, studio):
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "require-trusted-types-for" in page.headers["content-security-policy"]
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in home.headers["permissions-policy"]
    assert "camera=(self)" in studio.headers["permissions-policy"]


@pytest.mark.parametrize(
    "address", ["/studio", "/studio/1", "/inbox", "/orders", "/bag"]
)
def test_a_stranger_is_asked_to_sign_in_first(client: Client, address: str) -> None:
    answer = client.get(address)

    assert answer.status_code == 302
    assert f"next={address}" in answer.headers["location"]


def test_no_page_holds_an_inline_script_style_or_handler() -> None:
    inline = re.compile(
        r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:"
    )
    for template in TEMPLATES.rglob("*.html"):
        assert not inline.search(template.read_text()), template


def test_every_word_that_is_said_is_in_the_dictionary() -> None:
    said: set[str] = set()
    for path in [*CLIENT.rglob("*.ts"), *TEMPLATES.rglob("*.html")]:
        text = path.read_text()
        said |= set(re.findall(r"""(?:say\(\s*|{% say )["']([a-z_.]+)["']""", text))

    assert said - set(WORDS) == set()


def test_both_languages_fill_in_the_same_facts() -> None:
    for key, (english, chinese) in WORDS.items():
        facts = [sorted(set(re.findall(r"{(\w+)}", t))) for t in (english, chinese)]
        assert facts[0] == facts[1], key


def test_the_dictionary_has_no_word_twice() -> None:
    pairs = json.loads(
        (CLIENT.parent / "words.json").read_text(), object_pairs_hook=list
    )

    assert len(pairs) == len(dict(pairs))


def test_an_account_s_language_stands_until_another_is_chosen_here(
    client: Client,
) -> None:
    lin = User.objects.create_user("lin", language="zh-hans")
    client.force_login(lin)
    assert 'lang="zh-Hans"' in client.get("/").content.decode()

    client.post("/language", {"language": "en", "next": "/"})

    assert '<html lang="en"' in client.get("/").content.decode()


def test_every_state_way_to_pay_and_refusal_of_a_sale_is_said_in_words() -> None:
    """The client puts these keys together, so no search for them finds one missing."""
    texts = Path(errors.__file__).read_text()
    refusals = re.findall(r"error_code\(\d+, \"(\w+)\"", texts)
    wanted = {
        *(
            f"order.{state}{part}"
            for state in CHANGES
            for part in ("", "_head", "_more")
        ),
        *(f"history.{state}" for state in CHANGES),
        *(f"aftersale.is_{state}" for state in AFTER_SALES),
        *(f"aftersale.{kind}" for kind in AfterSale.Kind.values),
        *(f"refund.{state}" for state in Refund.State.values),
        *(f"refund.why_{reason}" for reason in Refund.Reason.values),
        *(f"parcel.{state}" for state in Shipment.State.values),
        *(f"method.{name}" for name in ("free", *NAMES)),
        *(f"error.{name}" for name in refusals),
    }

    assert len(refusals) > 10
    assert wanted - set(WORDS) == set()
