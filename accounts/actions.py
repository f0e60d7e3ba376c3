"""Following and unfollowing; whose passes to the socket still hold."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import F, Q

from accounts.commands import Followed, People, Person, Profile
from accounts.models import Follow, User
from realtime import disconnect_on_commit
from realtime.exceptions import BAD_REQUEST, NOT_FOUND

BANNED, SIGNED_OUT = 4500, 4501


def sign_out(user: int) -> None:
    """Void every ticket and pass of the account, then end its sockets (4501)."""
    with transaction.atomic():
        User.objects.filter(pk=user).update(sign_outs=F("sign_outs") + 1)
        disconnect_on_commit(user, SIGNED_OUT)


def ban(user: int) -> None:
    """The same, and nobody comes in by the account any more (4500)."""
    with transaction.atomic():
        row = User.objects.filter(pk=user)
        row.update(is_active=False, sign_outs=F("sign_outs") + 1)
        disconnect_on_commit(user, BANNED)


def lift_ban(user: int) -> None:
    """Who signs in may come in again; tokens from before stay void."""
    User.objects.filter(pk=user).update(is_active=True)


def sign_outs(users: Collection[int]) -> dict[int, int]:
    """How often each signed out; who is not active is not among them."""
    active = User.objects.filter(pk__in=users, is_active=True)
    return dict(active.values_list("pk", "sign_outs"))


def set_follow(follower: int, target: int, on: bool) -> Followed:
    """Follow or stop following; asking for what already is changes nothing.

    Raises `not_found` for an unknown account, `bad_request` for oneself.
    """
    if follower == target:
        raise BAD_REQUEST(path="user", why="nobody follows themselves")
    if not User.objects.filter(pk=target, is_active=True).exists():
        raise NOT_FOUND()
    pair = Follow.objects.filter(follower_id=follower, target_id=target)
    if on:
        Follow.objects.get_or_create(follower_id=follower, target_id=target)
    else:
        pair.delete()
    return Followed(
        following=on, followers=Follow.objects.filter(target_id=target).count()
    )


def list_follows(user: int, who: str, cursor: int | None, limit: int) -> People:
    """Those who follow `user`, or those `user` follows; newest first."""
    mine = Q(target_id=user) if who == "followers" else Q(follower_id=user)
    other = "follower" if who == "followers" else "target"
    rows = Follow.objects.filter(mine).select_related(other).order_by("-id")
    if cursor is not None:
        rows = rows.filter(id__lt=cursor)
    page = list(rows[: limit + 1])
    people = [getattr(row, other) for row in page[:limit]]
    return People(
        items=[Person(user=person.id, name=str(person)) for person in people],
        cursor=page[limit - 1].id if len(page) > limit else None,
    )


def profile(user: int, viewer: int | None) -> Profile:
    """Raises `not_found` for an unknown account."""
    person = User.objects.filter(pk=user, is_active=True).first()
    if person is None:
        raise NOT_FOUND()
    followers = Follow.objects.filter(target_id=user)
    return Profile(
        user=user,
        name=str(person),
        followers=followers.count(),
        follows=Follow.objects.filter(follower_id=user).count(),
        following=followers.filter(follower_id=viewer).exists(),
    )
