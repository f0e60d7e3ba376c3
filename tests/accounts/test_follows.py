"""Following over real sockets."""

import pytest

from accounts.models import Follow, User
from realtime.testing import Refused
from tests.live import Connect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def host() -> User:
    return User.objects.create_user("host", name="小林")


@pytest.fixture
def viewer() -> User:
    return User.objects.create_user("viewer", name="Ann")


async def test_following_twice_with_two_keys_is_one_follow(
    connect: Connect, host: User, viewer: User
) -> None:
    client = await connect(viewer)
    for key in ("a", "b"):
        reply = await client.rpc(
            "follow.set", {"key": key, "user": host.pk, "on": True}
        )
        assert reply == {"following": True, "followers": 1}
    assert await Follow.objects.acount() == 1


async def test_the_same_key_gives_the_first_answer_though_things_have_moved_on(
    connect: Connect, host: User, viewer: User
) -> None:
    client = await connect(viewer)
    follow = {"key": "a", "user": host.pk, "on": True}
    first = await client.rpc("follow.set", follow)
    await client.rpc("follow.set", {"key": "b", "user": host.pk, "on": False})
    assert await client.rpc("follow.set", follow) == first
    assert await Follow.objects.acount() == 0


async def test_followers_come_in_pages_newest_first(
    connect: Connect, host: User
) -> None:
    for n in range(3):
        fan = await User.objects.acreate_user(f"fan{n}", name=f"Fan {n}")
        await Follow.objects.acreate(follower=fan, target=host)
    client = await connect(host)
    page = await client.rpc("follow.list", {"who": "followers", "limit": 2})
    assert [person["name"] for person in page["items"]] == ["Fan 2", "Fan 1"]
    rest = await client.rpc(
        "follow.list", {"who": "followers", "limit": 2, "cursor": page["cursor"]}
    )
    assert [person["name"] for person in rest["items"]] == ["Fan 0"]
    assert rest["cursor"] is None


async def test_a_stranger_reads_a_profile_and_follows_nobody(
    connect: Connect, host: User
) -> None:
    client = await connect()
    profile = await client.rpc("profile.get", {"user": host.pk})
    assert profile["name"] == "小林"
    assert profile["following"] is False
    with pytest.raises(Refused) as refused:
        await client.rpc("follow.set", {"key": "a", "user": host.pk, "on": True})
    assert refused.value.code == 101


@pytest.mark.parametrize(
    ("user", "error"), [("self", "bad_request"), (10**9, "not_found")]
)
async def test_nobody_follows_themselves_or_nobody(
    connect: Connect, viewer: User, user: str | int, error: str
) -> None:
    client = await connect(viewer)
    target = viewer.pk if user == "self" else user
    with pytest.raises(Refused) as refused:
        await client.rpc("follow.set", {"key": "a", "user": target, "on": True})
    assert refused.value.name == error
    assert await Follow.objects.acount() == 0
