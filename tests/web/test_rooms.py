"""Pages about one stream: who sees them, and what they say before any script runs."""

import pytest
from django.test import Client

from accounts.models import User
from commerce.models import Shop
from streams.models import Role, Stream

pytestmark = pytest.mark.django_db


@pytest.fixture
def host() -> User:
    return User.objects.create_user("noor", name="Noor <b>")


@pytest.fixture
def show(host: User) -> Stream:
    return Stream.objects.create(
        host=host, title="Glazes <script>alert(1)</script>", state="live"
    )


def test_home_lists_live_public_rooms_alone(client: Client, show: Stream) -> None:
    for title, state, visibility in (
        ("Hidden", "live", "unlisted"),
        ("Over the phone", "live", "private"),
        ("Not begun", "draft", "public"),
    ):
        Stream.objects.create(
            host=show.host, title=title, state=state, visibility=visibility
        )

    page = client.get("/").content.decode()

    assert f'href="/rooms/{show.pk}"' in page
    assert not any(title in page for title in ("Hidden", "the phone", "Not begun"))


def test_what_people_write_is_never_markup(client: Client, show: Stream) -> None:
    for address in ("/", f"/rooms/{show.pk}"):
        page = client.get(address).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
        assert "Noor <b>" not in page


def test_a_private_room_is_as_if_it_was_not(client: Client, show: Stream) -> None:
    guest = User.objects.create_user("ada")
    Stream.objects.filter(pk=show.pk).update(visibility="private")

    assert client.get(f"/rooms/{show.pk}").status_code == 404
    client.force_login(guest)
    assert client.get(f"/rooms/{show.pk}").status_code == 404
    assert client.get("/rooms/999999").status_code == 404

    Role.objects.create(host=show.host, stream=show, user=guest, role="guest")
    assert client.get(f"/rooms/{show.pk}").status_code == 200


def test_only_those_who_direct_a_show_enter_its_studio(
    client: Client, show: Stream
) -> None:
    moderator = User.objects.create_user("mo")
    Role.objects.create(host=show.host, user=moderator, role="moderator")
    shop = Shop.objects.create(
        account=show.host, name="N", country="CN", currencies=["CNY"], methods=["bank"]
    )

    client.force_login(moderator)
    assert client.get(f"/studio/{show.pk}").status_code == 404
    Role.objects.update(role="assistant")
    assert client.get(f"/studio/{show.pk}").status_code == 200
    client.force_login(show.host)
    page = client.get(f"/studio/{show.pk}").content.decode()

    assert f'stream="{show.pk}" shop="{shop.pk}"' in page
